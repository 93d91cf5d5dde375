package audit

import "slices"

// Publisher is a client that publishes. It belongs to one goroutine.
type Publisher struct {
	audit   *Audit
	client  uint32
	window  *Window
	tally   *tally
	streams map[*Room]*Stream
}

// Publisher returns a publisher. client is its number, the same as that of the
// Subscriber if it is one too. Its messages count in window while they are on their
// way; nil: they do not.
func (a *Audit) Publisher(client int, window *Window) *Publisher {
	return &Publisher{
		audit:   a,
		client:  uint32(client),
		window:  window,
		tally:   &a.tallies[client&(shards-1)],
		streams: make(map[*Room]*Stream),
	}
}

// Stream is the messages of one publisher to one room. It belongs to its publisher's
// goroutine.
type Stream struct {
	// Immutable.
	id     uint32
	client uint32
	room   *Room
	tally  *tally
	flight *flight // nil: in no window

	// Guarded by room.mu.
	log     sendLog
	doubts  []span // rising; they may never have reached the server
	endedAt int64
}

// span is the numbers from from up to, not including, to.
type span struct{ from, to uint32 }

// Stream returns the publisher's stream to the room, a new one the first time.
func (p *Publisher) Stream(r *Room) *Stream {
	if s := p.streams[r]; s != nil {
		return s
	}
	s := &Stream{client: p.client, room: r, tally: p.tally}
	if p.window != nil {
		s.flight = p.window.register(s)
		p.audit.windows.Store(true)
	}
	p.audit.number(s)
	r.mu.Lock()
	r.live = append(r.live, s)
	r.mu.Unlock()
	p.streams[r] = s
	return s
}

// number gives the stream its number.
func (a *Audit) number(s *Stream) {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := *a.streams.Load()
	s.id = a.worker*maxStreams + uint32(len(all))%maxStreams
	all = append(all, s) // readers of the old slice do not look behind its end
	a.streams.Store(&all)
}

// Sent is a message that has its number.
type Sent struct {
	Seq uint32
	// Members is how many it is due to, among the clients of this process. With 0 it
	// has left its window already: a closed loop should wait for somebody to be there.
	Members int
}

// Next makes the next message and appends its payload of size bytes (MinSize if that
// is more) to dst. dueAt is when it should have been sent, by Audit.Now; 0 means now.
// It counts as sent from this moment on: write it at once, and call Unsent if that
// fails.
func (s *Stream) Next(dst []byte, size int, dueAt int64) ([]byte, Sent) {
	r := s.room
	r.mu.Lock()
	now := r.tick()
	m := Sent{Seq: s.log.n, Members: len(r.inside)}
	if _, in := r.inside[s.client]; in && !r.audit.echo {
		m.Members--
	}
	s.log.append(now)
	if s.flight != nil {
		s.flight.sent(m)
	}
	// Before anybody can have received it, so that Outstanding is never negative.
	s.tally.add(promised, int64(m.Members))
	s.tally.add(published, 1)
	r.mu.Unlock()
	if dueAt == 0 {
		dueAt = now
	}
	return r.audit.mark.append(dst, Stamp{Stream: s.id, Seq: m.Seq, Due: dueAt}, size), m
}

// Unsent says that message seq could not be written. It may have gone out all the
// same: whoever does not get it, that is Unjudged.
func (s *Stream) Unsent(seq uint32) {
	s.tally.add(published, -1)
	s.room.mu.Lock()
	s.doubt(seq, seq+1)
	s.room.mu.Unlock()
	if s.flight != nil {
		s.flight.forget(seq)
	}
}

// Disconnected says that the publisher's connection ended: what it sent last may not
// have reached the server.
func (p *Publisher) Disconnected() {
	for r, s := range p.streams {
		r.mu.Lock()
		s.doubt(s.log.from(r.tick()-max(p.audit.settle, 0)), s.log.n)
		r.mu.Unlock()
	}
}

// Finish says that the publisher sends nothing more.
func (p *Publisher) Finish() {
	for r, s := range p.streams {
		r.mu.Lock()
		r.end(s)
		r.mu.Unlock()
		if s.flight != nil {
			s.flight.window.unregister(s)
		}
	}
	clear(p.streams)
}

// doubt adds to s.doubts, at their end. room.mu is held.
func (s *Stream) doubt(from, to uint32) {
	if from >= to {
		return
	}
	n := len(s.doubts)
	for ; n > 0 && s.doubts[n-1].to >= from; n-- {
		from, to = min(from, s.doubts[n-1].from), max(to, s.doubts[n-1].to)
	}
	s.doubts = append(s.doubts[:n], span{from, to})
}

// doubtful returns how many of the numbers may never have reached the server. room.mu
// is held.
func (s *Stream) doubtful(of span) (n int64) {
	i, _ := slices.BinarySearchFunc(s.doubts, of.from, func(d span, from uint32) int {
		if d.to <= from {
			return -1
		}
		return 1
	})
	for ; i < len(s.doubts) && s.doubts[i].from < of.to; i++ {
		n += int64(min(of.to, s.doubts[i].to) - max(of.from, s.doubts[i].from))
	}
	return n
}
