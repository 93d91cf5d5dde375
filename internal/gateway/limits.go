package gateway

import (
	"sync/atomic"

	"github.com/causeway-rt/causeway/internal/access"
	"github.com/causeway-rt/causeway/internal/rate"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// Limits bound what clients can make a node do. docs/limits.md has what clients are
// answered at each, and what counts it. A rate of 0 is none.
type Limits struct {
	// Connections bounds those of this node. 0 means no bound.
	Connections int

	// ConnectionsPerUser bounds those of one user in one namespace of this node, by its
	// token. 0 means no bound.
	ConnectionsPerUser int

	// Handshakes are those of the node, HandshakesPerAddress those of one IPv4 address or
	// one IPv6 /64 network.
	Handshakes, HandshakesPerAddress rate.Limit
	// Events are what one connection sends, Joins the relay events join of one socket.
	Events, Joins rate.Limit

	// Rooms, Namespaces and PendingAcks bound those of one socket, one connection and one
	// socket. 0 means 128, 16 and 1,000.
	Rooms, Namespaces, PendingAcks int
}

// mostJoining bounds the sockets whose joins are being counted: those that have joined
// something in the last seconds.
const mostJoining = 1 << 17

// joinTable counts joins. Methods may be called from any goroutine.
type joinTable struct {
	sockets *rate.Table[string] // by id
	refused atomic.Int64
}

func newJoinTable(l Limits) *joinTable {
	return &joinTable{sockets: rate.NewTable[string](l.Joins, mostJoining)}
}

// take reports whether a socket may join now.
func (t *joinTable) take(s *socketio.Socket) bool {
	if t.sockets.Take(s.ID()) == 0 {
		return true
	}
	t.refused.Add(1)
	return false
}

// userLimit bounds the sockets of one user. Methods may be called from any goroutine.
type userLimit struct {
	most    int // 0: any number
	refused atomic.Int64
}

var errUserFull = &socketio.ConnectError{Message: "Too many connections of this user", Data: refusalData{relayCodes[relayLimit]}}

// room reports whether there is room for one more socket of a user. The socket is in the
// user's room already, as all of them are: so of two that come at the same time, one too
// many never gets in, though both may be refused.
func (u *userLimit) room(s *socketio.Socket, m *access.Member) bool {
	most := u.most
	if s.Recovered() {
		most++ // the socket in whose place it comes may be here
	}
	if u.most == 0 || m.User() == "" || s.Namespace().LocalMembers(m.Rooms()[0]) <= most {
		return true
	}
	u.refused.Add(1)
	return false
}
