package access

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
)

// Action is what a client wants to do with a room.
type Action int

// The actions that need a grant.
const (
	Join Action = iota
	Leave
	Publish
)

// Connection is the client of a member.
type Connection interface {
	// SendAway ends the connection, so that the client comes back. It does not block.
	SendAway()
}

// Member is a client in one namespace. Marshalled as JSON it is {"user":"…"}, without
// user if it is anonymous.
type Member struct {
	// Immutable.
	room  string // of its user; empty if it is anonymous
	rules *Rules

	grants *shared // beside the rules; nil if it is anonymous

	// Guarded by watch.mu.
	conn Connection // nil unless it is watched
	ends int64      // when the token ends, in ms since 1970
	at   int32      // in watch.heap

	entered bool // beside at for its size
}

// User returns the user, the sub of the token; empty if the client has none.
func (m *Member) User() string {
	if m.room == "" {
		return ""
	}
	return m.room[len(userPrefix):]
}

// Owner names the user together with all that the client gets and may do: a session that
// has a member with other grants, or none, is not theirs to go on with. Its rooms could be
// ones that the client must not be in any more. It is at most 300 bytes long.
func (m *Member) Owner() string {
	sums := sha256.New()
	for _, g := range m.all() {
		sum := g.sorted().sum()
		sums.Write(sum[:])
	}
	const enough = 16 // bytes: nobody can choose grants freely
	return base64.RawURLEncoding.EncodeToString(sums.Sum(nil)[:enough]) + m.room
}

// MarshalJSON shows the user, and nothing else.
func (m *Member) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		User string `json:"user,omitempty"`
	}{m.User()})
}

// Rooms returns the rooms that the client is put in at its connect, that of its user
// first.
func (m *Member) Rooms() (rooms []string) {
	if m.room != "" {
		rooms = append(rooms, m.room)
	}
	for _, g := range m.all() {
		for _, room := range g.Rooms {
			if !slices.Contains(rooms, room) {
				rooms = append(rooms, room)
			}
		}
	}
	return rooms
}

// May reports whether the client may do something with a room. Nobody leaves the room of
// their user: who closes all sockets of a user must find them there.
func (m *Member) May(action Action, room string) bool {
	if action == Leave && room == m.room {
		return false
	}
	for _, g := range m.all() {
		if matchAny([...][]string{Join: g.Join, Leave: g.Leave, Publish: g.Publish}[action], room) {
			return true
		}
	}
	return false
}

// all are the grants of the namespace and of the token.
func (m *Member) all() [2]*Grants {
	if m.grants == nil {
		return [2]*Grants{m.rules.Anonymous, &nothing}
	}
	return [2]*Grants{&m.rules.Users, &m.grants.Grants}
}

var nothing Grants

// puts reports whether the client may be in a room on account of its grants.
func (m *Member) puts(room string) bool {
	all := m.all()
	return room == m.room || all[0].puts(room) || all[1].puts(room)
}
