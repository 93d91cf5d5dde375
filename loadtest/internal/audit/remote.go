package audit

// Stay is a time that a client spent in, or out of, a room: from At, by Audit.Now of
// its worker, until the At of the next one.
type Stay struct {
	Kind StayKind `json:"kind"`
	At   int64    `json:"at"`
}

// StayKind is what a client is to a room.
type StayKind uint8

// The kinds.
const (
	Left   StayKind = iota // nothing is due
	Member                 // everything is
	Away                   // it has lost its connection, and is owed what it does not get
	Missed                 // the same, of one that never had a connection
	Over                   // the end
)

// remote is what a subscriber keeps to be judged when the send logs of other workers'
// streams are known. It belongs to the subscriber's goroutine.
type remote struct {
	seen  map[uint32]*Ranges // by stream
	stays map[*Room][]Stay
}

func (s *Subscriber) log(r *Room, kind StayKind, at int64) {
	if s.remote != nil {
		s.remote.stays[r] = append(s.remote.stays[r], Stay{kind, at})
	}
}

// remoteOr judges a message of a stream that is not of this worker.
func (s *Subscriber) remoteOr(m Stamp) Verdict {
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
