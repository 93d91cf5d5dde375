package checker

import (
	"sync"
	"time"
)

// Recorder writes a History. Its methods may be called from any goroutine, those that report
// what one connection does in the order in which it happens.
type Recorder struct {
	began time.Time
	logs  []clientLog
}

// clientLog is what one client reports.
type clientLog struct {
	mu sync.Mutex
	// Guarded by mu.
	client   Client
	messages []Message
}

// NewRecorder returns a Recorder for so many clients. Its time begins now.
func NewRecorder(clients int) *Recorder {
	return &Recorder{began: time.Now(), logs: make([]clientLog, clients)}
}

// Now returns the time of the run, which is never 0.
func (r *Recorder) Now() Time { return max(time.Since(r.began), 1) }

// History returns what has been recorded so far. Nothing may be reported while it is used,
// as it is not a copy.
func (r *Recorder) History() *History {
	h := &History{}
	for i := range r.logs {
		l := &r.logs[i]
		l.mu.Lock()
		h.Clients = append(h.Clients, l.client)
		h.Messages = append(h.Messages, l.messages...)
		l.mu.Unlock()
	}
	return h
}

// with calls f with the client's log locked, and its newest session.
func (r *Recorder) with(client int, f func(l *clientLog, s *Session)) {
	l := &r.logs[client]
	l.mu.Lock()
	defer l.mu.Unlock()
	var s *Session
	if n := len(l.client.Sessions); n > 0 {
		s = &l.client.Sessions[n-1]
	}
	f(l, s)
}

// Connected reports an answer to CONNECT.
func (r *Recorder) Connected(client int, socketID string, recovered bool) {
	r.with(client, func(l *clientLog, s *Session) {
		l.client.Back = true
		if !recovered || s == nil {
			l.client.Sessions = append(l.client.Sessions, Session{})
			s = &l.client.Sessions[len(l.client.Sessions)-1]
		}
		s.Connections = append(s.Connections, Connection{SocketID: socketID, Opened: r.Now()})
	})
}

// Disconnected reports the end of a connection.
func (r *Recorder) Disconnected(client int, cause string) {
	r.with(client, func(l *clientLog, s *Session) {
		l.client.Back = false
		c := &s.Connections[len(s.Connections)-1]
		c.Closed, c.Cause = r.Now(), cause
	})
}

// Joining reports that the client is about to ask for a room. The result is told the answer,
// if it comes before the end of the connection: ok says that the client is a member.
func (r *Recorder) Joining(client int, room string) (answered func(ok bool)) {
	var session, place int
	r.with(client, func(l *clientLog, s *Session) {
		session, place = len(l.client.Sessions)-1, len(s.Memberships)
		s.Memberships = append(s.Memberships, Membership{Room: room, JoinRequested: r.Now()})
	})
	return func(ok bool) {
		if ok {
			r.with(client, func(l *clientLog, _ *Session) {
				l.client.Sessions[session].Memberships[place].Joined = r.Now()
			})
		}
	}
}

// Leaving reports that the client is about to leave a room. The result is told the answer:
// ok says that the client is no member any more.
func (r *Recorder) Leaving(client int, room string) (answered func(ok bool)) {
	var session int
	var left []int // the memberships that end
	r.with(client, func(l *clientLog, s *Session) {
		session = len(l.client.Sessions) - 1
		for i := range s.Memberships {
			if m := &s.Memberships[i]; m.Room == room && m.Left == 0 {
				left = append(left, i)
				if m.LeaveRequested == 0 {
					m.LeaveRequested = r.Now()
				}
			}
		}
	})
	return func(ok bool) {
		if !ok {
			return
		}
		r.with(client, func(l *clientLog, _ *Session) {
			for _, i := range left {
				l.client.Sessions[session].Memberships[i].Left = r.Now()
			}
		})
	}
}

// Publishing reports that the client is about to publish to a room, and returns the message's
// name, and what is to be told the answer.
func (r *Recorder) Publishing(client int, room string) (id ID, answered func(Outcome)) {
	var place int
	r.with(client, func(l *clientLog, s *Session) {
		place = len(l.messages)
		id = ID{Publisher: client, Number: place + 1}
		l.messages = append(l.messages, Message{
			ID: id, Room: room, Requested: r.Now(),
			Session: len(l.client.Sessions) - 1, Connection: len(s.Connections) - 1,
		})
	})
	return id, func(o Outcome) {
		r.with(client, func(l *clientLog, _ *Session) {
			l.messages[place].Outcome, l.messages[place].Answered = o, r.Now()
		})
	}
}

// Received reports an event.
func (r *Recorder) Received(client int, id ID, offset Offset, spoilt bool) {
	r.with(client, func(_ *clientLog, s *Session) {
		s.Received = append(s.Received, Receipt{ID: id, Offset: offset, At: r.Now(), Spoilt: spoilt})
	})
}
