package engineio

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// poll is what a session has while its transport is polling. Its fields are guarded
// by the session's mu, but turn, which is a semaphore.
type poll struct {
	// waiting is signalled when the pending GET has something to say; nil while there
	// is none.
	waiting chan struct{}
	// body is the request whose body is being taken; nil while there is none.
	body *http.ResponseController
	// arrived is closed when a GET becomes pending; nil while nobody waits for that.
	arrived chan struct{}
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
		s.server.reply(w, http.StatusInternalServerError, "", nil)
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
	case p == nil || s.state == stateClosed:
		s.mu.Unlock()
		s.server.reject(w, r, rejectSession)
		return
	case p.waiting != nil:
		s.mu.Unlock()
		s.server.stats.rejected(rejectOverlap)
		s.fail(ReasonTransportError)
		s.server.reply(w, http.StatusBadRequest, "", nil)
		return
	}
	wake := make(chan struct{}, 1)
	p.waiting = wake
	if p.arrived != nil {
		close(p.arrived)
		p.arrived = nil
	}
	late := s.state == stateClosing // the goodbye found no GET pending
	if late || len(s.queue) > 0 {
		s.kick()
	}
	s.mu.Unlock()

	select {
	case <-wake:
	case <-r.Context().Done(): // the client went while its poll was pending
		s.fail(ReasonTransportError)
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
	closing := s.state == stateClosing
	s.mu.Unlock()
	if closing {
		if late && len(batch) == 0 {
			batch = append(batch, noopPacket)
		}
		batch = append(batch, closePacket)
	}

	err := s.server.replyPoll(w, r, batch, false)
	switch {
	case closing:
		s.fail(ReasonForcedClose) // the goodbye is said
	case err != nil:
		s.fail(ReasonTransportError)
	}
}

// replyPoll writes the answer to a GET: a payload, compressed when that is wanted.
func (s *Server) replyPoll(w http.ResponseWriter, r *http.Request, batch []*Message, initial bool) error {
	buf := getBuffer()
	defer putBuffer(buf)
	*buf = appendPayload((*buf)[:0], batch)
	s.stats.out(Polling, len(batch), len(*buf))

	compress := false
	for _, m := range batch {
		compress = compress || !m.NoCompress
	}
	s.addHeaders(w, r, initial)
	if compress && s.cfg.CompressAbove > 0 && len(*buf) >= s.cfg.CompressAbove && acceptsGzip(r) {
		zipped := getBuffer()
		defer putBuffer(zipped)
		*zipped = gzipped((*zipped)[:0], *buf)
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Set("Vary", "Accept-Encoding")
		return s.reply(w, http.StatusOK, "text/plain; charset=UTF-8", *zipped)
	}
	return s.reply(w, http.StatusOK, "text/plain; charset=UTF-8", *buf)
}

// reply writes a whole answer, within the time that a client may be silent.
func (s *Server) reply(w http.ResponseWriter, status int, contentType string, body []byte) error {
	rc := http.NewResponseController(w)
	_ = rc.SetWriteDeadline(time.Now().Add(s.cfg.PingInterval + s.cfg.PingTimeout))
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if len(body) > 0 {
		if _, err := w.Write(body); err != nil {
			return err
		}
	}
	if err := rc.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	return nil
}

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
	case p == nil || s.state != stateOpen:
		s.mu.Unlock()
		s.server.reject(w, r, rejectSession)
		return
	case p.body != nil:
		s.mu.Unlock()
		s.refusePost(w, rejectOverlap, ReasonTransportError)
		return
	}
	p.body = http.NewResponseController(w)
	s.mu.Unlock()

	buf := getBuffer()
	defer putBuffer(buf)
	err := readBody(r, s.server.cfg.MaxPayload, buf)
	s.mu.Lock()
	p.body = nil
	s.mu.Unlock()
	switch {
	case errors.Is(err, errTooLarge):
		s.server.stats.rejected(rejectTooLarge)
		w.Header().Set("Connection", "close")
		_ = s.server.reply(w, http.StatusRequestEntityTooLarge, "", nil)
		return
	case err != nil: // cut off: the client went, or the session ended meanwhile
		s.server.stats.rejected(rejectBody)
		s.fail(ReasonTransportError)
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
		s.server.reject(w, r, rejectSession)
		return
	}
	s.mu.Lock()
	current := s.poll == p && s.state == stateOpen
	s.mu.Unlock()
	if !current {
		<-p.turn
		s.server.reject(w, r, rejectMismatch)
		return
	}
	ok := s.dispatch(body)
	<-p.turn
	if !ok {
		s.server.reply(w, http.StatusBadRequest, "", nil)
		return
	}
	s.server.addHeaders(w, r, false)
	_ = s.server.reply(w, http.StatusOK, "text/html", []byte("ok"))
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
		if !ok || count > s.server.cfg.MaxPacketsPerPost {
			s.server.stats.rejected(rejectPayload)
			s.fail(ReasonParseError)
			return false
		}
		if p.kind == packetClose {
			s.closedByClient()
			break
		}
		if !s.receive(p) {
			return false
		}
		if !s.isOpen() { // the receiver closed it: an answer above this layer
			break
		}
	}
	s.server.stats.in(Polling, count, len(body))
	return true
}

// overtaking is how much later than a POST a GET may arrive that was sent before it, on
// another connection, which behind a balancer may lead through another node.
const overtaking = 500 * time.Millisecond

// closedByClient ends a session at its client's wish. The client's pending GET is
// answered with a noop; if it is not here yet, the POST waits a moment for it.
func (s *Session) closedByClient() {
	s.mu.Lock()
	p := s.poll
	var arrived chan struct{}
	if p != nil && p.waiting == nil && s.state == stateOpen {
		arrived = make(chan struct{})
		p.arrived = arrived
	}
	s.mu.Unlock()
	if arrived != nil {
		timer := time.NewTimer(overtaking)
		defer timer.Stop()
		select {
		case <-arrived:
		case <-timer.C:
		case <-s.Done():
		}
	}
	s.abort(ReasonTransportClose, noopPacket)
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

func acceptsGzip(r *http.Request) bool {
	for _, v := range r.Header.Values("Accept-Encoding") {
		for coding := range strings.SplitSeq(v, ",") {
			name, q, _ := strings.Cut(coding, ";")
			if strings.TrimSpace(name) == "gzip" && strings.ReplaceAll(q, " ", "") != "q=0" {
				return true
			}
		}
	}
	return false
}

var gzipWriters = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is legal
	return w
}}

type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) { a.b = append(a.b, p...); return len(p), nil }

func gzipped(dst, src []byte) []byte {
	z := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(z)
	a := &appender{b: dst}
	z.Reset(a)
	_, _ = z.Write(src) // an appender does not fail
	_ = z.Close()
	return a.b
}

// keepBuffer is the largest buffer that goes back to the pool.
const keepBuffer = 64 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

func getBuffer() *[]byte { return buffers.Get().(*[]byte) }

func putBuffer(b *[]byte) {
	if cap(*b) <= keepBuffer {
		buffers.Put(b)
	}
}
