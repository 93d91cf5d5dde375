package wire

import (
	"encoding/base64"
	"fmt"
	"time"
)

// probeResult is what came of the attempt to reach the server by WebSocket as well.
type probeResult struct {
	socket *socket // nil: err says why
	err    error
}

// probe opens a WebSocket for the session and asks whether it gets through, while
// polling goes on (Engine.IO v4, "Upgrade"). It runs in a goroutine of its own.
func (p *poller) probe() {
	w, err := p.session.upgradeHTTP(p.ctx, false)
	if err == nil {
		if err = w.probe(); err != nil {
			p.session.drop(w.link)
		}
	}
	if err != nil {
		w = nil
	}
	p.probed <- probeResult{socket: w, err: err}
}

func (w *socket) probe() error {
	if _, err := w.link.Write(appendFrame(nil, opText, []byte("2probe"))); err != nil {
		return err
	}
	if err := w.session.allow(w.link.tcp.SetReadDeadline); err != nil {
		return err
	}
	if err := w.awaitProbe(); err != nil {
		return err
	}
	return w.session.lift(w.link.tcp.SetDeadline)
}

// awaitProbe reads the server's answer, which is all that it sends before the upgrade.
func (w *socket) awaitProbe() error {
	in := w.borrow()
	defer w.giveBack()
	for {
		b := in.b[in.start:in.end]
		h, err := parseFrameHeader(b, maxErrorBody)
		if err != nil {
			return err
		}
		if h.size > 0 && len(b) >= h.size+h.length {
			in.start += h.size + h.length
			if answer := b[h.size : h.size+h.length]; h.opcode != opText || !h.fin || string(answer) != "3probe" {
				return fmt.Errorf("%w: instead of the probe's answer: %.80q", ErrBadPacket, answer)
			}
			return nil
		}
		n, err := w.link.Read(in.b[in.end:])
		if err != nil {
			return err
		}
		in.end += n
	}
}

// change moves the session to the WebSocket. No GET is pending, and the POST that may be
// is waited for; what is sent meanwhile waits, and follows the upgrade packet.
func (p *poller) change(result probeResult) error {
	p.result, p.probed = &result, nil
	if result.socket == nil {
		return nil // polling goes on
	}
	s, o := p.session, &p.session.outbox
	o.mu.Lock()
	o.held = true
	o.mu.Unlock()
	s.workers.Wait()

	s.mu.Lock()
	result.socket.link.attends = true
	s.mu.Unlock()
	s.socket = result.socket
	o.mu.Lock()
	err := s.changeTransport(result.socket)
	o.mu.Unlock()
	p.gets.close()
	p.posts.close()
	return err
}

// changeTransport sends the upgrade packet, and what has waited, by WebSocket. The
// outbox's mu is held.
func (s *session) changeTransport(w *socket) error {
	o := &s.outbox
	var queued []byte
	if o.waiting != nil {
		queued = o.waiting.b
	}
	o.held, o.socket, o.waiting = false, w, nil
	if err := o.begin(); err != nil {
		return err
	}
	o.appendPacket("5")
	for len(queued) > 0 {
		var packet []byte
		packet, queued = cutPayload(queued, 1)
		if packet[0] != 'b' {
			o.appendPacket(string(packet))
			continue
		}
		data, err := base64.StdEncoding.AppendDecode(nil, packet[1:])
		if err != nil {
			return err // it was encoded here
		}
		o.waiting.b = appendFrame(o.waiting.b, opBinary, data)
	}
	return s.transmit()
}

// tell tells the Handler how the upgrade went, if it wants to know.
func (p *poller) tell() {
	if p.result == nil {
		return
	}
	if h, ok := p.session.client.cfg.Handler.(UpgradeHandler); ok {
		h.Upgraded(p.session.client, time.Since(p.session.begun), p.result.err)
	}
	p.result = nil
}
