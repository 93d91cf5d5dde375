package audit

import "slices"

// Verdict is what a received payload is.
type Verdict uint8

// The verdicts.
const (
	// InOrder is due, and what was to come next; or later than that, what was to come is
	// missing then.
	InOrder Verdict = iota
	// Overtaken is due and comes after a later one: Reordered.
	Overtaken
	// Early was sent before the client was a member, or between its leaving and the
	// server's answer to that. It is not judged.
	Early
	// Own is the client's own, without Config.Echo. It is not judged.
	Own
	// Repeated has come before: Duplicated.
	Repeated
	// Stray was sent after the client had left: AfterLeaving.
	Stray
	// Unreadable is one of ours with a broken stamp: Corrupted.
	Unreadable
	// Foreign is none of ours, or of a room that the client was never in: Unknown.
	Foreign
)

// First reports whether the message was counted as Delivered: whether the time since
// its Stamp.Due is a latency. As many are as Delivered, but for what came Unreadable.
func (v Verdict) First() bool { return v <= Overtaken }

// Received judges a payload, and keeps none of it: the characters of a JSON string
// between its quotes, or an attachment's bytes. The stamp is empty if it is Unreadable
// or Foreign. A message with a readable stamp and a changed body is judged as any
// other, and counted as Corrupted besides.
func (s *Subscriber) Received(payload []byte) (Stamp, Verdict) {
	m, how := s.audit.mark.read(payload)
	switch how {
	case whole:
	case damaged:
		s.tally.add(corrupted, 1)
	case unreadable:
		s.tally.add(corrupted, 1)
		s.credit++
		return m, Unreadable
	case foreign:
		s.tally.add(unknown, 1)
		return m, Foreign
	}
	p := s.pairs.find(m.Stream)
	if p == nil || p.from == undue {
		return m, s.first(m)
	}
	if m.Seq < p.next {
		return m, s.old(m, p)
	}
	s.tally.add(due, int64(m.Seq-p.next)+1)
	s.tally.add(delivered, 1)
	if m.Seq > p.next || s.audit.windows.Load() {
		s.pass(s.audit.stream(m.Stream), p.next, m.Seq)
		s.trim()
	}
	p.next = m.Seq + 1
	return m, InOrder
}

// undue is the from of a pair of a client that is not a member (again) yet.
const undue = ^uint32(0)

// first judges a message of a stream of which nothing due has come yet.
func (s *Subscriber) first(m Stamp) Verdict {
	stream := s.audit.stream(m.Stream)
	if stream == nil {
		return s.receiveRemote(m)
	}
	if s.owns(stream) {
		return Own
	}
	var st *stay
	for i := range s.stays {
		if s.stays[i].room == stream.room {
			st = &s.stays[i]
		}
	}
	r := stream.room
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case st == nil || m.Seq >= stream.log.n:
		s.tally.add(unknown, 1)
		return Foreign
	case st.state == member || st.state == leaving:
		from := stream.log.from(st.since)
		if m.Seq < from {
			return Early
		}
		s.tally.add(due, int64(m.Seq-from)+1)
		s.tally.add(delivered, 1)
		s.pairs.put(m.Stream, from, m.Seq+1)
		s.pass(stream, from, m.Seq)
		return InOrder
	case st.owes != nothing:
		return s.early(m, st, stream)
	case st.state == outside && st.since != 0 && stream.log.at(m.Seq) >= st.since:
		s.tally.add(afterLeaving, 1)
		return Stray
	}
	return Early
}

// early judges a message to a client that is owed it but is not a member again yet, as
// when it comes between the server's joining it and the answer. room.mu is held.
func (s *Subscriber) early(m Stamp, st *stay, stream *Stream) Verdict {
	if stream.log.at(m.Seq) < st.since {
		return Early
	}
	p := s.pairs.find(m.Stream)
	if p == nil {
		p = s.pairs.put(m.Stream, undue, 0)
	}
	if m.Seq < p.next { // a repetition, or overtaken: that is not looked into here
		return Early
	}
	p.next = m.Seq + 1
	st.early++
	s.tally.add(due, 1)
	s.tally.add(owedOutside, 1)
	s.tally.add(delivered, 1)
	return InOrder
}

// old judges a message whose number is less than the highest of its stream.
func (s *Subscriber) old(m Stamp, p *pair) Verdict {
	if m.Seq < p.from {
		return Early
	}
	for i := range s.holes {
		h := &s.holes[i]
		if h.stream.id != m.Stream || m.Seq < h.from || m.Seq >= h.to {
			continue
		}
		after := span{m.Seq + 1, h.to}
		h.to = m.Seq
		switch {
		case h.from == h.to && after.from == after.to:
			s.holes = slices.Delete(s.holes, i, i+1)
		case h.from == h.to:
			h.span = after
		case after.from < after.to:
			s.holes = slices.Insert(s.holes, i+1, hole{span: after, stream: h.stream, noticed: h.noticed})
		}
		s.tally.add(missing, -1)
		s.tally.add(delivered, 1)
		s.tally.add(reordered, 1)
		return Overtaken
	}
	s.tally.add(duplicated, 1)
	return Repeated
}

// pass notes that the client has got number seq where next was to come.
func (s *Subscriber) pass(stream *Stream, next, seq uint32) {
	if stream.flight != nil {
		stream.flight.done(next, seq+1)
	}
	if next == seq {
		return
	}
	s.tally.add(missing, int64(seq-next))
	s.holes = append(s.holes, hole{span: span{next, seq}, stream: stream, noticed: s.audit.now()})
}

// trim gives up the oldest holes when there are too many.
func (s *Subscriber) trim() {
	for len(s.holes) > maxHoles {
		var m missed
		h := s.holes[0]
		s.holes = slices.Delete(s.holes, 0, 1)
		r := h.stream.room
		r.mu.Lock()
		s.giveUp(h, h.noticed+max(s.audit.settle, 0), &m)
		r.mu.Unlock()
		s.settle(m, lost, false)
	}
}
