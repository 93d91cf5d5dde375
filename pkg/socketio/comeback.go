package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

// comeback is a socket that goes on with a session, until it is connected.
type comeback struct {
	// Immutable.
	socket *Socket
	rooms  []SavedRoom // where it is and was, and the one that is its own
	offset Offset      // what the client has; zero: it has not said
	start  Offset      // what lies behind may be missing

	// Owned by who works for it: the goroutine of the connection, or that which reads the
	// history.
	timeline int
	from     Offset // the history is read behind it
	known    bool   // from is in the history
	last     Offset // the last event that was looked at
	head     Offset // up to where the history was read
	packets  []*engineio.Message
	events   int
	bytes    int
	err      error
	done     chan struct{}
}

// errGone says that the client has gone before it was connected.
var errGone = errors.New("client has gone")

// comeBack lets a client go on with the session that it claims. It reports whether that
// is the end of it: the socket is connected, or the client refused or gone. Otherwise it gets
// a new session.
func (c *conn) comeBack(n *Namespace, auth json.RawMessage) bool {
	claim, err := parseClaim(auth)
	if claim == nil && err == nil {
		return false
	}
	var s *Socket
	if err == nil {
		s, err = c.resume(n, auth, claim)
	}
	if errors.Is(err, refusedTaken) { // maybe by the same client, cut off on its way back a moment ago
		s.withdraw(false)
		s, err = c.resume(n, auth, claim)
	}
	var why refusal
	switch {
	case err == nil:
		return true
	case errors.Is(err, errGone), s != nil && n.server.opening.Err() != nil:
		c.turnBack(n, s) // also if this node is closing: the next one will know the session
		return true
	case n.recovery.putsOff(err):
		c.putOff(n, s)
		return true
	case errors.As(err, &why):
		n.server.counters.refusedRecovery(why)
		n.server.cfg.Logger.Debug("session can't go on", "namespace", n.name, "reason", string(why))
		if s != nil {
			s.withdraw(false)
		}
		return false
	}
	c.reject(s, n.name, err)
	return true
}

// turnBack is the end of a way into a namespace that led nowhere, without a word to the client.
// A session that was taken lives on.
func (c *conn) turnBack(n *Namespace, s *Socket) {
	c.mu.Lock()
	c.unreserve(n.name)
	c.mu.Unlock()
	if s != nil {
		s.withdraw(true)
	}
	n.server.leave(n)
}

// putOff closes the connection without an answer: the official client comes again by
// itself, with the same claim and perhaps to a node that can serve it. An answer would make
// it start afresh, or with a CONNECT_ERROR give up.
func (c *conn) putOff(n *Namespace, s *Socket) {
	c.turnBack(n, s)
	c.server.counters.putOff.Add(1)
	if c.shut(ReasonSentAway, stateKicked, nil) {
		c.session.Close(engineio.ReasonForcedClose)
	}
}

// putOffFor is for how long clients are put off while the history or the bus does not answer.
const putOffFor = 10 * time.Second

// putsOff reports whether a client is to try again, since what it needs has not been there
// for a moment only.
func (r *recoverable) putsOff(err error) bool {
	if !errors.Is(err, refusedUnavailable) && !errors.Is(err, errUnavailable) {
		return false
	}
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.failed) > putOffFor {
		r.failing = now
	}
	r.failed = now
	return now.Sub(r.failing) < putOffFor
}

// resume is the way back, step by step. The error is a refusal, errGone, or a middleware's.
// The socket is nil as long as none was made.
func (c *conn) resume(n *Namespace, auth json.RawMessage, claim *claim) (s *Socket, err error) {
	ctx, cancel := context.WithTimeout(n.server.opening, n.server.cfg.ConnectTimeout)
	defer cancel()
	r := n.recovery
	saved, err := r.look(ctx, claim.pid)
	if err != nil {
		return nil, err
	}
	s = c.resurrect(n, auth, saved)
	if err := c.prepare(ctx, s); err != nil {
		return s, err
	}
	if s.life.userIs() != saved.User {
		return s, refusedUser
	}
	if err := r.take(ctx, s, saved); err != nil {
		return s, err
	}
	if err := s.openAll(ctx); err != nil {
		return s, refusedUnavailable
	}
	back := newComeback(s, saved, claim)
	if back.err != nil {
		return s, back.err
	}
	for range 3 { // a node that is sent to faster than it reads will not do better with more
		if err := r.readFor(ctx, back); err != nil {
			return s, err
		}
		again, err := c.readmit(back)
		if !again && err == nil && s.life.isOver() {
			s.takenOver() // by somebody who found it not connected yet, a moment ago
		}
		if !again {
			return s, err
		}
	}
	return s, refusedUnavailable
}

// look returns the session of a pid, or a refusal.
func (r *recoverable) look(ctx context.Context, pid string) (*SavedSession, error) {
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	saved, err := r.history.Look(ctx, r.ns.name, pid)
	switch {
	case errors.Is(err, ErrNoSession):
		return nil, refusedUnknown
	case err != nil:
		return nil, refusedUnavailable
	case r.isEnded(pid):
		return nil, refusedUnknown
	case !isRandom(saved.SocketID, idLen) || saved.PID != pid || len(saved.Rooms) > maxTargets:
		return nil, refusedUnknown // somebody has written into the history who should not
	}
	return saved, nil
}

// resurrect makes the socket of a session. Nobody can find it yet, and nothing reaches it.
func (c *conn) resurrect(n *Namespace, auth json.RawMessage, saved *SavedSession) *Socket {
	s := newSocket(n, c, auth)
	s.id = saved.SocketID
	if saved.Data != nil {
		s.data = saved.Data
	}
	l := s.life
	l.recovered = true
	l.since = found(saved.Since)
	l.noted = mark{sent: saved.Sent, seen: saved.Seen}
	n.rooms.restore(s, saved.Rooms)
	return s
}

// restore makes s a member of the rooms that its session was in.
func (x *roomIndex) restore(s *Socket, rooms []SavedRoom) {
	x.mu.Lock()
	defer x.mu.Unlock()
	l := s.life
	for _, saved := range rooms {
		if saved.Until.IsZero() && x.ns.server.checkRooms([]string{saved.Name}) != nil {
			continue // nobody could have joined it: the record is not ours, as in look
		}
		saved.Since = found(saved.Since)
		l.tickets++
		l.stays = append(l.stays, stay{SavedRoom: saved, ticket: l.tickets, heard: true})
		if saved.Until.IsZero() && saved.Name != s.id && s.membershipIn(saved.Name) < 0 {
			x.enter(s, saved.Name)
		}
	}
}

func newComeback(s *Socket, saved *SavedSession, claim *claim) *comeback {
	start := startOf(saved, claim)
	back := &comeback{socket: s, rooms: []SavedRoom{{Name: s.id}}, offset: claim.offset, start: start, from: start, last: start}
	s.ns.rooms.mu.RLock()
	defer s.ns.rooms.mu.RUnlock()
	for _, st := range s.life.stays {
		if st.Name == "" && st.Until.After(start) { // see forgetOldest
			back.err = refusedForgotten
		}
		back.rooms = append(back.rooms, st.SavedRoom)
	}
	return back
}

// startOf is behind what the client has got for certain.
func startOf(saved *SavedSession, claim *claim) Offset {
	start := claim.offset
	// Who has got the last event that was sent has missed nothing until Seen; nor has who
	// has got none, and was sent none.
	if !saved.Sent.After(claim.offset) && saved.Seen.After(start) {
		start = saved.Seen
	}
	if saved.Since.After(start) {
		start = saved.Since
	}
	if !start.After(beginning) {
		return Offset{}
	}
	return start
}

// openAll has the adapter hear the socket's rooms: those that are left to be heard.
func (s *Socket) openAll(ctx context.Context) error {
	n := s.ns
	if n.server.cfg.Adapter == nil {
		return nil
	}
	if !n.server.privateRooms && !strings.HasPrefix(s.id, n.server.tag) {
		if err := n.server.openLink(ctx, n.rooms.joinOwn(s)); err != nil { // it is another node's id
			return err
		}
	}
	n.rooms.mu.RLock()
	names := s.roomNames()
	n.rooms.mu.RUnlock()
	if err := s.openRooms(ctx, names); err != nil {
		return err
	}
	return s.recordJoin(ctx, names) // a middleware may have joined more
}

// withdraw is abandon for a socket in whose place a new one may come. If the client may
// return, the session that it has taken lives on.
func (s *Socket) withdraw(mayReturn bool) {
	s.state.Store(stateKicked)
	s.stopOverhearing()
	s.leaveAll()
	s.release(mayReturn)
}

func (l *life) userIs() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.user
}
