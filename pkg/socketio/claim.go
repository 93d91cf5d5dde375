package socketio

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"strings"
)

// refusal says why a client could not go on with its session, and got a new one: the keys
// of Stats.RecoveryRefused.
type refusal string

func (r refusal) Error() string { return "session can't go on: " + string(r) }

const (
	refusedMalformed   refusal = "malformed"   // not a pid of ours, or not an offset
	refusedUnknown     refusal = "unknown"     // no such session, or no longer
	refusedUser        refusal = "user"        // it is another user's
	refusedForgotten   refusal = "forgotten"   // the history does not reach back to what the client has
	refusedTooMany     refusal = "too_many"    // it has missed more than may be sent at once
	refusedTaken       refusal = "taken"       // another connection was faster
	refusedUnavailable refusal = "unavailable" // the history did not answer
)

var refusals = [...]refusal{
	refusedMalformed, refusedUnknown, refusedUser, refusedForgotten, refusedTooMany, refusedTaken, refusedUnavailable,
}

// claim is what a client says of the session that it wants to go on with.
type claim struct {
	pid     string
	offset  Offset
	without bool // it has no offset
}

// pidBytes is how many random bytes a pid has; it is written with a third more characters.
const pidBytes = 18

func newPID() string {
	var random [pidBytes]byte
	rand.Read(random[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(random[:])
}

func isPID(s string) bool { return isRandom(s, base64.RawURLEncoding.EncodedLen(pidBytes)) }

// isRandom reports whether s is n characters of the kind that ids are made of.
func isRandom(s string, n int) bool {
	return len(s) == n && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' && c != '_'
	})
}

// parseClaim reads a client's auth object, which is valid JSON or nil. It returns nil if the
// client claims nothing.
func parseClaim(auth json.RawMessage) (*claim, error) {
	if !bytes.Contains(auth, []byte(`"pid"`)) {
		return nil, nil
	}
	var members map[string]json.RawMessage // names count as they are written, other than with a struct
	if json.Unmarshal(auth, &members) != nil {
		return nil, refusedMalformed
	}
	pid, offset := members["pid"], members["offset"]
	if pid == nil || string(pid) == "null" {
		return nil, nil
	}
	c := claim{without: offset == nil || string(offset) == "null"}
	if json.Unmarshal(pid, &c.pid) != nil || !isPID(c.pid) {
		return nil, refusedMalformed
	}
	if c.without {
		return &c, nil
	}
	var text string
	if json.Unmarshal(offset, &text) != nil {
		return nil, refusedMalformed
	}
	var err error
	if c.offset, err = ParseOffset(text); err != nil {
		return nil, refusedMalformed
	}
	return &c, nil
}
