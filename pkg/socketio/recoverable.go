package socketio

import (
	"sync"
	"time"
)

// recoverable is what a namespace with recovery has besides.
type recoverable struct {
	// Immutable.
	ns       *Namespace
	settings Recovery
	history  History

	// order is held while an event is handed to sockets, so that the offsets which a client
	// sees rise. It comes before inFlight and every other lock, and is not held while the
	// history or a handler is called.
	order sync.Mutex
	// Guarded by order.
	position Offset // see HistoryNode.Position
	timeline int    // how often the history was found to have a gap
	ring     ring
	settling []settling // memberships that begin behind position

	mu sync.Mutex
	// Guarded by mu.
	lives     map[string]*Socket // by pid: those that this node owns
	takes     map[string]*taking // by pid: those under way
	waiting   []*comeback        // for the next reading of the history
	replaying bool               // a goroutine reads for them
	failing   time.Time          // since when clients could not be served, as putsOff has it
	failed    time.Time          // when that was so for the last time

	kept time.Time // Owned by Server.keepSessions: when the sessions were kept last
}

// recoveryOf returns the settings of a namespace, with defaults.
func (s *Server) recoveryOf(namespace string) Recovery {
	if s.cfg.Recovery == nil {
		return Recovery{}
	}
	set := s.cfg.Recovery(namespace)
	if set.Window <= 0 {
		return Recovery{}
	}
	if set.MaxEvents <= 0 {
		set.MaxEvents = 1000
	}
	if set.MaxBytes <= 0 {
		set.MaxBytes = 1 << 20
	}
	return set
}

// window returns the Window of a namespace.
func (s *Server) window(namespace string) time.Duration {
	if n := s.openNamespace(namespace); n != nil && n.recovery != nil {
		return n.recovery.settings.Window
	}
	return s.recoveryOf(namespace).Window
}

// newRecoverable returns nil for a namespace without recovery.
func newRecoverable(n *Namespace) *recoverable {
	set := n.server.recoveryOf(n.name)
	if set.Window == 0 {
		return nil
	}
	r := &recoverable{ns: n, settings: set, history: n.server.history, lives: make(map[string]*Socket), takes: make(map[string]*taking)}
	if own, ok := r.history.(*ownHistory); ok {
		r.position = own.head(n.name)
	}
	r.ring.start = r.position
	return r
}

// beginning stands for a zero Offset that has been found out, where zero means that it has
// not: no event has it.
var beginning = Offset{Seq: 1}

// found returns what stands for at.
func found(at Offset) Offset {
	if at.IsZero() {
		return beginning
	}
	return at
}

// at returns Position.
func (r *recoverable) at() Offset {
	r.order.Lock()
	defer r.order.Unlock()
	return r.position
}

// advance moves position on, if it is behind.
func (r *recoverable) advance(at Offset) {
	r.order.Lock()
	defer r.order.Unlock()
	if at.After(r.position) {
		r.position = at
		r.reveal()
	}
}

// settling is a membership that begins at since, behind the position.
type settling struct {
	room   *room
	socket *Socket
	since  Offset
}

// reveal lets memberships be as the others whose beginning the position has reached. It
// needs order.
func (r *recoverable) reveal() {
	if len(r.settling) == 0 || r.settling[0].since.After(r.position) {
		return
	}
	x := &r.ns.rooms
	x.mu.Lock()
	defer x.mu.Unlock()
	done := 0
	for _, m := range r.settling {
		if m.since.After(r.position) {
			break // a later one that begins before waits as well: the rooms of few are looked at
		}
		if x.fresh[m.room][m.socket] == m.since {
			x.reveal(m.room, m.socket)
		}
		done++
	}
	clear(r.settling[:done])
	if r.settling = r.settling[done:]; len(r.settling) == 0 {
		r.settling = nil
	}
}
