package checker

import (
	"fmt"
	"time"
)

// Time is the time since a run began. 0 means that something has not happened, or that it is
// not known to have.
type Time = time.Duration

// History is what the clients of a run have seen.
type History struct {
	// Messages are all that were sent, of one publisher in the order of its requests.
	Messages []Message
	Clients  []Client
	// Offsets says that each event must come with an offset.
	Offsets bool
}

// ID names a message. The zero ID names none.
type ID struct {
	Publisher int // the place of its client in History.Clients
	Number    int // counts from 1, in the order of the requests
}

func (id ID) String() string { return fmt.Sprintf("%d/%d", id.Publisher, id.Number) }

// Outcome is what a publisher knows of its message.
type Outcome int

// The outcomes.
const (
	Unknown      Outcome = iota // no answer came, or one that leaves it open
	Acknowledged                // it was sent
	Refused                     // it was not sent
)

func (o Outcome) String() string { return [...]string{"unknown", "acknowledged", "refused"}[o] }

// Message is one that a client has published to a room.
type Message struct {
	ID                  ID
	Room                string
	Session, Connection int // of the publisher: places in Client.Sessions and Session.Connections
	Requested, Answered Time
	Outcome             Outcome
}

// Client is one client from its first connection to the end of the run.
type Client struct {
	Sessions []Session
	// Back says that the client was connected when the run ended.
	Back bool
}

// Session is a connection that the service called new, and those by which it was recovered.
type Session struct {
	Connections []Connection
	Memberships []Membership
	Received    []Receipt
}

// Connection is from the service's answer to CONNECT to the end.
type Connection struct {
	SocketID       string
	Opened, Closed Time
	Cause          string // of the end
}

// Membership is a room from a request to join to the answer to a leave. Any time but the first
// may be 0.
type Membership struct {
	Room                  string
	JoinRequested, Joined Time
	LeaveRequested, Left  Time
}

// Receipt is an event that was handed to a client.
type Receipt struct {
	ID     ID
	Offset Offset
	At     Time
	// Spoilt says that the event's content is not what was sent, or none of ours.
	Spoilt bool
}

// Offset is an event's place in the history of the service; the zero Offset is none.
type Offset struct{ Time, Seq uint64 }

func (o Offset) String() string { return fmt.Sprintf("%d-%d", o.Time, o.Seq) }

// After reports whether o is behind p.
func (o Offset) After(p Offset) bool { return o.Time > p.Time || o.Time == p.Time && o.Seq > p.Seq }

// opened is when the session began.
func (s *Session) opened() Time { return s.Connections[0].Opened }
