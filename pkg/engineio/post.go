package engineio

import (
	"errors"
	"io"
	"net/http"
	"strings"
)

// servePost takes a payload from the client and answers when its packets have been
// handed on.
func (s *Session) servePost(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/octet-stream") {
		s.refusePost(w, rejectContent, ReasonTransportError)
		return
	}
	s.mu.Lock()
	p := s.poll
	switch {
	case p == nil || s.state == stateClosed:
		s.mu.Unlock()
		s.server.reject(w, r, rejectSession)
		return
	case p.posting:
		s.mu.Unlock()
		s.refusePost(w, rejectOverlap, ReasonTransportError)
		return
	}
	p.posting, p.body = true, http.NewResponseController(w)
	s.mu.Unlock()

	buf := getBuffer()
	defer putBuffer(buf)
	err := readBody(r, s.server.cfg.MaxPayload, buf)
	s.mu.Lock()
	p.body = nil
	p.posting = err == nil
	s.mu.Unlock()
	switch {
	case errors.Is(err, errTooLarge):
		s.server.stats.rejected(rejectTooLarge)
		w.Header().Set("Connection", "close")
		_ = s.server.reply(w, http.StatusRequestEntityTooLarge, "", nil)
		return
	case err != nil: // cut off: the client went, or the session ended meanwhile
		s.server.stats.rejected(rejectBody)
		s.pollFailed(p)
		panic(http.ErrAbortHandler)
	}
	s.takePayload(w, r, p, *buf)
}

// takePayload hands the packets of a body to the receiver, in turn with whoever else
// speaks for this session.
func (s *Session) takePayload(w http.ResponseWriter, r *http.Request, p *poll, body []byte) {
	select {
	case p.turn <- struct{}{}:
	case <-s.Done():
		s.answerUnheard(w, r, p)
		return
	}
	s.mu.Lock()
	heard := s.poll == p && s.state == stateOpen
	s.mu.Unlock()
	ok := heard && s.dispatch(body)
	<-p.turn
	switch {
	case !heard:
		s.answerUnheard(w, r, p)
	case !ok:
		s.posted(p)
		_ = s.server.reply(w, http.StatusBadRequest, "", nil)
	default:
		s.answerPost(w, r, p)
	}
}

// answerUnheard answers a POST that came too late for the receiver. While the session
// still waits for a GET to tell its client of the end, the POST is taken and ignored, as
// by the reference: the client would take a refusal for a lost connection, and come back.
func (s *Session) answerUnheard(w http.ResponseWriter, r *http.Request, p *poll) {
	s.mu.Lock()
	current, state := s.poll == p, s.state
	s.mu.Unlock()
	switch {
	case !current:
		s.server.reject(w, r, rejectMismatch)
	case state == stateClosed:
		s.server.reject(w, r, rejectSession)
	default:
		s.answerPost(w, r, p)
	}
}

func (s *Session) answerPost(w http.ResponseWriter, r *http.Request, p *poll) {
	s.posted(p)
	s.server.addHeaders(w, r, false)
	_ = s.server.reply(w, http.StatusOK, "text/html", []byte("ok"))
}

// posted ends a POST before it is answered: the client may send the next one at once.
func (s *Session) posted(p *poll) {
	s.mu.Lock()
	p.posting = false
	s.mu.Unlock()
}

// dispatch decodes a payload. false says that it was broken; what stood before the
// broken packet has been delivered.
func (s *Session) dispatch(body []byte) bool {
	packets := newPayload(body)
	count := 0
	for {
		raw, more := packets.next()
		if !more {
			break
		}
		count++
		p, ok := decodeText(raw)
		if !ok || !p.binary && !validText(p.data) || count > s.server.cfg.MaxPacketsPerPost {
			s.server.stats.rejected(rejectPayload)
			s.fail(ReasonParseError)
			return false
		}
		s.server.stats.in(Polling, len(raw)+min(count-1, 1)) // with what separates it from the one before
		if p.kind == packetClose {
			s.abort(ReasonTransportClose, noopPacket)
			break
		}
		if !s.receive(p) {
			return false
		}
		if !s.isOpen() { // the receiver closed it: an answer above this layer
			break
		}
	}
	return true
}

func (s *Session) refusePost(w http.ResponseWriter, why rejection, reason Reason) {
	s.server.stats.rejected(why)
	s.fail(reason)
	w.Header().Set("Connection", "close")
	_ = s.server.reply(w, http.StatusBadRequest, "", nil)
}

var errTooLarge = errors.New("engineio: body is larger than MaxPayload")

// readBody reads a body of at most limit bytes. Memory grows with what arrives, not
// with what is announced.
func readBody(r *http.Request, limit int, buf *[]byte) error {
	if r.ContentLength > int64(limit) {
		return errTooLarge
	}
	b, err := readAll(r.Body, (*buf)[:0], limit+1)
	*buf = b
	if len(b) > limit {
		return errTooLarge
	}
	return err
}

// readAll appends to b what r yields until its end, or until b has limit bytes.
func readAll(r io.Reader, b []byte, limit int) ([]byte, error) {
	for len(b) < limit {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):min(cap(b), limit)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
	return b, nil
}
