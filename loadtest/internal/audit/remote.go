package audit

// Stay begins a time that a client spends in, or out of, a room.
type Stay struct {
	Kind StayKind
	At   int64 // by Audit.Now of its worker; until the At of the next one
}

// StayKind is what a client is to a room.
type StayKind uint8

// The kinds.
const (
	Asking StayKind = iota // has asked to be let in: nothing is judged
	Member                 // is owed everything
	Away                   // is owed everything, and has lost its connection
	Missed                 // is owed everything, and never had a connection
	Gone                   // has left: nothing may come
	Over                   // the client has ended
)

// remote is what a subscriber keeps to be judged when the send logs of other workers'
// streams are known. It belongs to the subscriber's goroutine.
type remote struct {
	seen  map[uint32]*Ranges // what came, by stream
	stays map[*Room][]Stay
}

// note adds to the subscriber's stays.
func (s *Subscriber) note(r *Room, kind StayKind, at int64) {
	if s.remote != nil {
		s.remote.stays[r] = append(s.remote.stays[r], Stay{kind, at})
	}
}

// receiveRemote judges a message of a stream that is not of this worker, as well as
// its number alone allows.
func (s *Subscriber) receiveRemote(m Stamp) Verdict {
	if s.remote == nil || m.Stream/maxStreams == s.audit.worker {
		s.tally.add(unknown, 1)
		return Foreign
	}
	seen := s.remote.seen[m.Stream]
	if seen == nil {
		seen = new(Ranges)
		s.remote.seen[m.Stream] = seen
	}
	highest := seen.Highest()
	if !seen.Add(m.Seq) {
		s.tally.add(duplicated, 1)
		return Repeated
	}
	s.tally.add(remoteDue, 1)
	if int64(m.Seq) < highest {
		s.tally.add(reordered, 1)
		return Overtaken
	}
	return InOrder
}

// evidence is what is left of a subscriber that has finished.
type evidence struct {
	*remote
	credit int64
}

// keep leaves what Judge needs.
func (s *Subscriber) keep() {
	if s.remote == nil {
		return
	}
	s.audit.mu.Lock()
	defer s.audit.mu.Unlock()
	s.audit.finished = append(s.audit.finished, evidence{s.remote, s.credit})
}
