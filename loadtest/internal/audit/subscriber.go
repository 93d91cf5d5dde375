package audit

import "math"

// Subscriber is a client that receives. It belongs to one goroutine, the client's
// reading one; when that has ended, to whoever waited for it.
type Subscriber struct {
	audit  *Audit
	client uint32
	tally  *tally

	stays []stay // one for each room that it had to do with
	pairs pairs
	holes []hole // the oldest first; not more than maxHoles
	// credit is how many messages came whose stamp could not be read: each is one of
	// those that seem not to have come.
	credit int64
	remote *remote // nil: there are no other workers
}

// Subscriber returns a subscriber that is in no room. client is its number, the same
// as that of the Publisher if it is one too.
func (a *Audit) Subscriber(client int) *Subscriber {
	s := &Subscriber{audit: a, client: uint32(client), tally: &a.tallies[client&(shards-1)]}
	if a.remote {
		s.remote = &remote{seen: make(map[uint32]*Ranges), stays: make(map[*Room][]Stay)}
	}
	return s
}

// stay is a subscriber's relation to one room.
type stay struct {
	room  *Room
	state state
	// owes is what messages are counted as that were sent while it was not a member:
	// gap, absent, or nothing.
	owes counter
	// since is, by the room's clock, when it became a member; or, if owes says so, when
	// it should have been one; or when it left.
	since int64
	// leaving is when it began to leave.
	leaving int64
	// early is how many messages came that were sent since since, before it was a member.
	early int64
}

type state uint8

const (
	outside state = iota
	joining
	member
	leaving
)

// nothing is no counter.
const nothing = counter(-1)

func (s *Subscriber) stay(r *Room) *stay {
	for i := range s.stays {
		if s.stays[i].room == r {
			return &s.stays[i]
		}
	}
	s.stays = append(s.stays, stay{room: r, owes: nothing})
	return &s.stays[len(s.stays)-1]
}

// Joining says that the client is about to ask to be let into the room. What comes
// before the answer is not judged.
func (s *Subscriber) Joining(r *Room) {
	if st := s.stay(r); st.state == outside {
		st.state = joining
		if st.owes == nothing {
			s.note(r, Asking, s.audit.now())
		}
	}
}

// Refused says that the server answered no. The client is owed what it was before.
func (s *Subscriber) Refused(r *Room) {
	if st := s.stay(r); st.state == joining {
		st.state = outside
		if st.owes == nothing && st.since != 0 {
			s.note(r, Gone, s.audit.now())
		}
	}
}

// Absent says that the client should be in the room from now on, and is not, because
// it got no connection. What is sent until Joined counts as Absent. A client that was
// connected once is none.
func (s *Subscriber) Absent(r *Room) { s.AbsentSince(r, math.MaxInt64) }

// AbsentSince is Absent from an earlier time on, by Audit.Now: an attempt to connect takes
// its time to fail, and the client should have been there all the while.
func (s *Subscriber) AbsentSince(r *Room, at int64) {
	st := s.stay(r)
	if st.state == member || st.state == leaving || st.owes != nothing {
		return
	}
	r.mu.Lock()
	st.owes, st.since = absent, min(at, r.tick())
	r.mu.Unlock()
	s.note(r, Missed, st.since)
}

// Joined says that the client's join was answered: what is sent from now on is due.
func (s *Subscriber) Joined(r *Room) {
	st := s.stay(r)
	if st.state == member || st.state == leaving {
		return
	}
	r.mu.Lock()
	now := r.tick()
	s.charge(st)
	r.inside[s.client] = struct{}{}
	r.mu.Unlock()
	st.state, st.owes, st.since = member, nothing, now
	s.note(r, Member, now)
}

// Leaving says that the client is about to ask to leave the room.
func (s *Subscriber) Leaving(r *Room) {
	st := s.stay(r)
	switch st.state {
	case member:
		st.state, st.leaving = leaving, s.audit.now()
	case joining:
		s.Refused(r)
	}
	if st.state == outside && st.owes != nothing { // it need not come back for this one
		r.mu.Lock()
		now := r.tick()
		s.charge(st)
		r.mu.Unlock()
		st.owes, st.since = nothing, now
		s.note(r, Gone, now)
	}
}

// Left says that the client's leaving was answered: what is sent from now on must not
// come. It is also for a client that was thrown out; Leaving need not precede.
func (s *Subscriber) Left(r *Room) {
	s.Leaving(r)
	st := s.stay(r)
	if st.state != leaving {
		return
	}
	r.mu.Lock()
	var m missed
	now := s.leave(st, st.leaving, &m)
	r.mu.Unlock()
	st.state, st.owes, st.since = outside, nothing, now
	s.note(r, Gone, now)
	s.settle(m, unjudged, false)
}

// Disconnected says that the client's connection ended. What was due to it in its
// rooms until then and did not come is Gap, and so is all that is sent until it is
// Joined anew; in rooms that it was leaving it is Unjudged.
func (s *Subscriber) Disconnected() {
	var gone, left missed
	for i := range s.stays {
		st := &s.stays[i]
		r := st.room
		r.mu.Lock()
		switch st.state {
		case member:
			st.since = s.leave(st, s.audit.now(), &gone)
			st.state, st.owes = outside, gap
			s.note(r, Away, st.since)
		case leaving:
			st.since = s.leave(st, st.leaving, &left)
			st.state = outside
			s.note(r, Gone, st.since)
		case joining:
			st.state = outside
			if st.owes == nothing {
				st.owes, st.since = gap, r.tick()
				s.note(r, Away, st.since)
			}
		}
		r.mu.Unlock()
	}
	s.settle(left, unjudged, false)
	s.settle(gone, gap, true)
}

// Finish ends the audit of this client. What is due to a member and has not come is
// Lost; so the last messages should be waited for before. Nothing is called after it.
func (s *Subscriber) Finish() {
	var gone, left missed
	for i := range s.stays {
		st := &s.stays[i]
		r := st.room
		r.mu.Lock()
		switch st.state {
		case member:
			s.leave(st, s.audit.now(), &gone)
		case leaving:
			s.note(r, Gone, s.leave(st, st.leaving, &left))
		default:
			s.charge(st)
			r.tick()
		}
		s.note(r, Over, r.last)
		r.mu.Unlock()
	}
	gone.old += gone.young
	gone.young = 0
	s.settle(gone, lost, true)
	s.settle(left, unjudged, true)
	s.keep()
	s.stays, s.pairs, s.holes = nil, pairs{}, nil
}
