package engineio

import (
	"net/http"
	"time"
)

// poll is what a session has while its transport is polling. Its fields are guarded
// by the session's mu, but turn, which is a semaphore.
type poll struct {
	// waiting is signalled when the pending GET has something to say; nil while there
	// is none.
	waiting chan struct{}
	// posting says that a POST is under way, until its packets have been handed on.
	posting bool
	// body is the request whose body is being taken; nil while there is none.
	body *http.ResponseController
	// farewell answers the pending GET of a session that was aborted.
	farewell *Message
	// turn is held by whoever hands packets to the receiver: a POST, or the WebSocket
	// that takes over.
	turn chan struct{}
}

func newPoll() *poll { return &poll{turn: make(chan struct{}, 1)} }

// stopBody ends the reading of a body that may never come to its end.
func (p *poll) stopBody() {
	if p.body != nil {
		_ = p.body.SetReadDeadline(time.Unix(1, 0))
	}
}

// servePolling answers a request of an existing session on the polling transport.
func (s *Session) servePolling(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
		s.serveGet(w, r)
	case http.MethodPost:
		s.servePost(w, r)
	default:
		s.server.stats.rejected(rejectMethod)
		_ = s.server.reply(w, http.StatusInternalServerError, "", nil)
	}
}

// serveGet holds the request until there is something to send, and sends all of it.
func (s *Session) serveGet(w http.ResponseWriter, r *http.Request) {
	if s.server.clock.overdue(s) {
		s.fail(ReasonPingTimeout)
	}
	s.mu.Lock()
	p := s.poll
	switch {
	case p == nil || s.state == stateClosed: // since the session was looked up
		s.mu.Unlock()
		req := parseRequest(r)
		s.server.serveUnknown(w, r, &req)
		return
	case p.waiting != nil:
		s.mu.Unlock()
		s.server.stats.rejected(rejectOverlap)
		s.fail(ReasonTransportError)
		_ = s.server.reply(w, http.StatusBadRequest, "", nil)
		return
	}
	wake := make(chan struct{}, 1)
	p.waiting = wake
	late := s.state == stateClosing // the goodbye found no GET pending
	if late || len(s.queue) > 0 {
		s.kick()
	}
	s.mu.Unlock()

	select {
	case <-wake:
	case <-r.Context().Done(): // the client went while its poll was pending
		s.pollFailed(p)
		return
	}
	s.answerPoll(w, r, p, late)
}

func (s *Session) answerPoll(w http.ResponseWriter, r *http.Request, p *poll, late bool) {
	s.mu.Lock()
	p.waiting = nil
	if s.poll == nil {
		// A WebSocket has taken over. A client has no GET pending when it says so: this
		// one was sent after it, and has overtaken it on its own connection.
		s.mu.Unlock()
		s.server.reject(w, r, rejectMismatch)
		return
	}
	batch := []*Message{p.farewell}
	if s.state != stateClosed {
		batch = s.takeQueue(nil)
	}
	// The official client takes a close packet at once and the messages before it a
	// moment later: it would see a lost connection first, and a DISCONNECT after that.
	// So a close packet never follows messages: the next GET gets it, as the reference does.
	goodbye := s.state == stateClosing && len(batch) == 0
	s.mu.Unlock()
	if goodbye {
		if late {
			batch = append(batch, noopPacket)
		}
		batch = append(batch, closePacket)
	}

	err := s.server.replyPoll(w, r, batch, false)
	switch {
	case goodbye:
		s.fail(ReasonForcedClose) // the goodbye is said
	case err != nil:
		s.pollFailed(p)
	}
}

// pollFailed ends the session for a polling request that was cut off, unless a WebSocket
// has taken over: that request is not its business any more.
func (s *Session) pollFailed(p *poll) {
	s.mu.Lock()
	current := s.poll == p
	s.mu.Unlock()
	if current {
		s.fail(ReasonTransportError)
	}
}

// ReleasePoll has the held GET of a session answered with a noop packet, so that its
// client sends the next: for a proxy between the two that is about to stop. It does
// nothing if no GET is held.
func (s *Server) ReleasePoll(id string) {
	if sess := s.session(id); sess != nil {
		sess.sendNoop()
	}
}
