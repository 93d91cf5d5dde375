package audit

import "slices"

// hole is numbers that were overtaken.
type hole struct {
	span
	stream  *Stream
	noticed int64 // when, by Audit.Now
}

// maxHoles is how many of them a subscriber remembers. When there are more the oldest
// is Lost, and if it comes after all it is taken for a duplicate.
const maxHoles = 1024

// missed is deliveries that were due to a member and did not come.
type missed struct {
	old   int64 // overtaken long ago: lost, whatever happened then
	young int64 // the end of the stream, or overtaken only now
	doubt int64 // never reached the server, perhaps
}

// leave ends a membership, and adds to m what did not come. at is when the end began.
// It returns when it was, by the room's clock. room.mu is held.
func (s *Subscriber) leave(st *stay, at int64, m *missed) int64 {
	r := st.room
	now := r.tick()
	delete(r.inside, s.client)
	r.sentSince(st.since, func(stream *Stream) {
		if s.owns(stream) {
			return
		}
		var next uint32
		if p, ok := s.pairs.take(stream.id); ok {
			next = p.next
		} else {
			next = stream.log.from(st.since)
		}
		rest := span{next, stream.log.n}
		if rest.from < rest.to {
			s.tally.add(due, int64(rest.to-rest.from))
			if stream.flight != nil {
				stream.flight.done(rest.from, rest.to)
			}
			doubt := stream.doubtful(rest)
			m.doubt += doubt
			m.young += int64(rest.to-rest.from) - doubt
		}
	})
	s.holes = slices.DeleteFunc(s.holes, func(h hole) bool {
		if h.stream.room != r {
			return false
		}
		s.giveUp(h, at, m)
		return true
	})
	return now
}

// giveUp adds a hole to m. The room's mu is held.
func (s *Subscriber) giveUp(h hole, at int64, m *missed) {
	n := int64(h.to - h.from)
	s.tally.add(missing, -n)
	doubt := h.stream.doubtful(h.span)
	m.doubt += doubt
	if at-h.noticed >= s.audit.settle {
		m.old += n - doubt
	} else {
		m.young += n - doubt
	}
}

// settle counts what did not come: as Lost, or, what is young, as is said. What came
// unreadable takes the place of as many of them; of young ones only if all says so,
// because it may have been of another room.
func (s *Subscriber) settle(m missed, young counter, all bool) {
	s.count(&m.old, lost)
	if all {
		s.redeem(&m.young)
	}
	s.tally.add(young, m.young)
	if all {
		s.redeem(&m.doubt)
	}
	s.tally.add(unjudged, m.doubt)
}

func (s *Subscriber) count(n *int64, as counter) {
	s.redeem(n)
	s.tally.add(as, *n)
}

// redeem counts as many of n as Delivered as came unreadable.
func (s *Subscriber) redeem(n *int64) {
	k := min(*n, s.credit)
	s.credit -= k
	*n -= k
	s.tally.add(delivered, k)
}

// charge counts what was sent until now while the client should have been a member and
// was not. room.mu is held.
func (s *Subscriber) charge(st *stay) {
	if st.owes == nothing {
		return
	}
	n := -st.early
	st.room.sentSince(st.since, func(stream *Stream) {
		if s.owns(stream) {
			return
		}
		n += int64(stream.log.n - stream.log.from(st.since))
		s.pairs.take(stream.id) // what came early
	})
	st.early = 0
	s.tally.add(due, n)
	s.tally.add(owedOutside, n)
	s.tally.add(st.owes, n)
}

func (s *Subscriber) owns(stream *Stream) bool {
	return stream.client == s.client && !s.audit.echo
}
