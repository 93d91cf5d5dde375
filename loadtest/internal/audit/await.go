package audit

// Others is what other workers have sent, for those who wait for it. It is not changed,
// and may be used from any goroutine.
type Others struct{ streams map[*Room][]otherStream }

// otherStream is another worker's stream: when its messages were sent, by our clock, give
// or take margin.
type otherStream struct {
	id     uint32
	log    *sendLog
	margin int64
}

// Others returns what the logs tell. Those of this worker's own streams, and of rooms
// that none of its clients has been in, are skipped. The error is ErrLog.
func (a *Audit) Others(logs []Log, skew func(worker int) Skew) (*Others, error) {
	o := &Others{streams: make(map[*Room][]otherStream)}
	var times []int64
	for _, l := range logs {
		r := a.room(l.Room)
		if r == nil || l.Worker() == int(a.worker) {
			continue
		}
		s := skew(l.Worker())
		var err error
		if times, err = l.times(times, int64(s.Offset)); err != nil {
			return nil, err
		}
		log := new(sendLog)
		for _, t := range times {
			log.append(t)
		}
		o.streams[r] = append(o.streams[r], otherStream{id: l.Stream, log: log, margin: int64(max(s.Margin, 0))})
	}
	return o, nil
}

// Awaits returns how many messages of other workers the subscriber has not got yet that
// were certainly sent while it was in the rooms that it is in now: the Outstanding of
// one process. What came unreadable is not waited for.
func (s *Subscriber) Awaits(o *Others) (n int64) {
	if s.remote == nil {
		return 0
	}
	for i := range s.stays {
		st := &s.stays[i]
		if st.state != member {
			continue
		}
		for _, f := range o.streams[st.room] {
			from := f.log.from(st.since + f.margin)
			due := int64(f.log.n - from)
			if seen := s.remote.seen[f.id]; seen != nil {
				due -= seen.count(from)
			}
			n += max(due, 0)
		}
	}
	return max(n-s.credit, 0)
}
