package api

import (
	"fmt"
	"net/http"
	"strconv"
)

// kind is what sort of problem a request has met.
type kind struct {
	name   string // the end of its URN
	status int
	title  string
}

// The kinds of problems.
var (
	invalid         = kind{"invalid", http.StatusBadRequest, "The request is not valid"}
	unauthorized    = kind{"unauthorized", http.StatusUnauthorized, "A key is needed"}
	forbidden       = kind{"forbidden", http.StatusForbidden, "The key does not allow this"}
	notFound        = kind{"not-found", http.StatusNotFound, "Not found"}
	wrongMethod     = kind{"wrong-method", http.StatusMethodNotAllowed, "Wrong method"}
	tooSlow         = kind{"too-slow", http.StatusRequestTimeout, "The body came too slowly"}
	notKept         = kind{"answer-not-kept", http.StatusConflict, "This was done before"}
	tooLarge        = kind{"too-large", http.StatusRequestEntityTooLarge, "The body is too large"}
	wrongType       = kind{"wrong-type", http.StatusUnsupportedMediaType, "The body is no plain JSON"}
	roomsFull       = kind{"rooms-full", http.StatusConflict, "Some sockets are in as many rooms as they may be"}
	otherBody       = kind{"key-reused", http.StatusUnprocessableEntity, "The Idempotency-Key belongs to another request"}
	tooManyRequests = kind{"too-many-requests", http.StatusTooManyRequests, "Too many requests at once"}
	internal        = kind{"internal", http.StatusInternalServerError, "Internal error"}
	unavailable     = kind{"unavailable", http.StatusServiceUnavailable, "The cluster can't be reached"}
)

// What has been reached when the request was answered.
const (
	reachedCluster = "cluster" // this node's sockets, and the way to the other nodes has taken it
	reachedNode    = "node"    // this node's sockets; other nodes may have got it or not
	reachedNone    = "none"    // nothing was done
	reachedUnknown = "unknown" // nobody, or everybody
)

// problem is why a request was not done, or not wholly, in the form of RFC 9457.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Field is what is wrong, such as target.rooms[3].
	Field string `json:"field,omitempty"`
	// Reached says what has been reached nevertheless.
	Reached string `json:"reached,omitempty"`

	header http.Header
	done   bool // something has been done: another request with the same Idempotency-Key must not do it again
}

func newProblem(k kind, detail string, args ...any) *problem {
	return &problem{
		Type: "urn:causeway:problem:" + k.name, Title: k.title, Status: k.status,
		Detail: fmt.Sprintf(detail, args...), header: http.Header{},
	}
}

// wrong says what is wanted of a field.
func wrong(field, want string, args ...any) *problem {
	p := newProblem(invalid, want, args...)
	p.Field = field
	return p
}

// unreached says that the other nodes can't be told, and what was reached.
func unreached(reached, detail string) *problem {
	p := newProblem(unavailable, "%s", detail).retry(2)
	p.Reached = reached
	p.done = reached != reachedNone
	return p
}

func (p *problem) with(header, value string) *problem {
	p.header.Set(header, value)
	return p
}

// retry says after how many seconds it is worth another try.
func (p *problem) retry(seconds int) *problem { return p.with("Retry-After", strconv.Itoa(seconds)) }

func (p *problem) answer() answer {
	out := jsonAnswer(p.Status, p)
	out.contentType, out.header, out.done = "application/problem+json", p.header, p.done
	return out
}
