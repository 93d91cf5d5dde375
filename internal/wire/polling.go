package wire

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"
)

// poller is the polling transport of a session: the reading goroutine has a GET pending
// all the time, and the goroutine of the outbox makes POSTs.
type poller struct {
	session *session
	ctx     context.Context // of connections; ends with the session

	// Owned by the reading goroutine.
	gets   requests
	body   []byte
	rest   []byte // of body: packets not handled yet
	event  Event
	probed chan probeResult // nil: no upgrade is tried
	result *probeResult     // what is to be told to the Handler

	// Owned by the goroutine of the outbox.
	posts requests
}

// openPolling makes the first request, which opens the session, and begins to probe.
func (s *session) openPolling(ctx context.Context) error {
	p := &poller{session: s, gets: requests{session: s, attends: true}, posts: requests{session: s}}
	s.mu.Lock()
	p.ctx, s.stop = context.WithCancel(s.client.life)
	s.mu.Unlock()
	s.poller = p
	err := p.gets.connect(ctx)
	for err == nil && s.step == opening {
		err = p.poll()
	}
	if err != nil {
		return s.explain(err)
	}
	if s.upgrades && s.client.cfg.Transport == Upgrade {
		p.probed = make(chan probeResult, 1)
		s.workers.Go(p.probe)
	}
	return nil
}

// run polls until the session ends, or goes on by WebSocket: then it returns nil.
func (p *poller) run() error {
	if err := p.handle(); err != nil { // what came with the CONNECT
		return err
	}
	for {
		p.tell()
		if p.session.socket != nil {
			return nil
		}
		if err := p.poll(); err != nil {
			return err
		}
	}
}

// poll makes one GET and handles what it brings. Then nothing is pending, and the session
// can change its transport.
func (p *poller) poll() error {
	if cap(p.body) > maxPooled {
		p.body = nil
	}
	body, err := p.gets.do(p.ctx, http.MethodGet, nil, p.body[:0])
	p.body = body
	if err != nil {
		return err
	}
	if len(body) == 0 || !utf8.Valid(body) {
		if p.session.step == opening {
			return fmt.Errorf("%w: instead of an open packet: %.80q", ErrNotSocketIO, body)
		}
		return fmt.Errorf("%w: polling payload: %.40q", ErrBadPacket, body)
	}
	p.rest = body
	p.event.At = time.Now()
	if err := p.handle(); err != nil {
		return err
	}
	select {
	case result := <-p.probed:
		return p.change(result)
	default:
		return nil
	}
}

// handle handles the packets of an answer.
func (p *poller) handle() error {
	for len(p.rest) > 0 && !p.session.halted {
		packet, rest, _ := bytes.Cut(p.rest, []byte{separator})
		p.rest = rest
		if err := p.session.packet(packet, &p.event); err != nil {
			return err
		}
	}
	return nil
}

// post sends packets, each followed by a separator, in as many requests as the server's
// maxPayload makes necessary.
func (p *poller) post(packets []byte) error {
	for len(packets) > 0 {
		var payload []byte
		payload, packets = cutPayload(packets, p.session.maxPayload)
		if _, err := p.posts.do(p.ctx, http.MethodPost, payload, nil); err != nil {
			return err
		}
	}
	return nil
}

// cutPayload returns the packets that fit into limit bytes, without the last separator,
// and those after them. One packet always fits, and so does everything if limit is 0.
func cutPayload(packets []byte, limit int) (payload, rest []byte) {
	end := len(packets)
	if limit > 0 && end-1 > limit {
		end = bytes.LastIndexByte(packets[:limit+1], separator) + 1
	}
	if end == 0 {
		end = bytes.IndexByte(packets, separator) + 1
	}
	return packets[:end-1], packets[end:]
}

// farewell closes the session in an orderly way, if it is not the connection that has
// failed. The session's other goroutines have ended.
func (p *poller) farewell() {
	_, ok := closeCode(p.session.because(nil))
	if !ok || p.gets.link == nil || p.gets.idle.IsZero() || p.session.step == opening || p.session.socket != nil {
		return
	}
	_ = p.gets.link.tcp.SetDeadline(time.Now().Add(farewellWait))
	if _, err := p.gets.link.conn.Write(p.gets.head(http.MethodPost, []byte("1"))); err == nil {
		_, _ = p.gets.link.conn.Read(make([]byte, 1)) // closing earlier would take the request back
	}
}
