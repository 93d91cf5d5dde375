package audit

import "time"

// Skew is a worker's clock, compared with ours: its times and Offset are ours, give or
// take Margin.
type Skew struct{ Offset, Margin time.Duration }

// Judge returns the final sums of this process's subscribers, when all of them have
// finished: those of Sums, with what came, or should have come, from other workers
// judged by their logs and clocks. Logs of this worker's own streams are skipped. What
// was sent within the margin of a client's coming or going, and did not come, is
// Unjudged. What came of a stream that has no log, as of a worker that was lost, is Due
// and Delivered, and what did not come of it is unknown. The error is ErrLog.
//
// When a message was overtaken is not known of other workers' streams: when the one
// that overtook it was sent is taken for it.
func (a *Audit) Judge(logs []Log, skew func(worker int) Skew) (Sums, error) {
	a.mu.Lock()
	subs := a.finished
	a.mu.Unlock()
	parts := make([]Sums, len(subs))
	judged := make(map[uint32]bool, len(logs))
	var times []int64
	for _, l := range logs {
		if l.Worker() == int(a.worker) {
			continue
		}
		judged[l.Stream] = true
		r := a.room(l.Room)
		if r == nil {
			continue // none of ours was ever there
		}
		s := skew(l.Worker())
		var err error
		if times, err = l.times(times, int64(s.Offset)); err != nil {
			return Sums{}, err
		}
		doubts, err := l.doubts()
		if err != nil {
			return Sums{}, err
		}
		for i, sub := range subs {
			if stays := sub.stays[r]; len(stays) > 0 {
				c := trial{times: times, doubts: doubts, stays: stays, margin: int64(s.Margin), settle: a.settle}
				if seen := sub.seen[l.Stream]; seen != nil {
					c.seen = seen.runs
				}
				parts[i].Add(c.judge())
			}
		}
	}
	for i, sub := range subs {
		for stream, seen := range sub.seen {
			if !judged[stream] {
				parts[i].Due += seen.count(0)
				parts[i].Delivered += seen.count(0)
			}
		}
	}
	total := a.judged()
	for i, s := range parts {
		credit := subs[i].credit // what came unreadable takes the place of what did not come
		for _, n := range []*int64{&s.Lost, &s.Gap, &s.Unjudged} {
			k := min(*n, credit)
			*n -= k
			credit -= k
			s.Delivered += k
		}
		total.Add(s)
	}
	return total, nil
}

// room returns a room that is known already, or nil.
func (a *Audit) room(name string) *Room {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.rooms[name]
}

// trial is one subscriber and one stream of another worker.
type trial struct {
	times  []int64 // when each message was sent, by the subscriber's clock
	margin int64   // give or take
	doubts []span
	stays  []Stay // at least one
	seen   []span
	settle int64
}

// judge divides the stream's messages.
func (c *trial) judge() (s Sums) {
	stay := -1 // the stay in which the message was sent; -1 is before the first
	for n, t := range c.times {
		for stay+1 < len(c.stays) && c.stays[stay+1].At <= t {
			stay++
		}
		for len(c.seen) > 0 && c.seen[0].to <= uint32(n) {
			c.seen = c.seen[1:]
		}
		for len(c.doubts) > 0 && c.doubts[0].to <= uint32(n) {
			c.doubts = c.doubts[1:]
		}
		got := len(c.seen) > 0 && c.seen[0].from <= uint32(n)
		kind := c.kind(stay)
		near := c.near(stay, t)
		switch {
		case !owed(kind) && !near:
			if got && kind == Gone && !c.close(stay, t) {
				s.AfterLeaving++
			}
			continue
		case got:
			s.Delivered++
		case near:
			s.Unjudged++
		case kind == Away:
			s.Gap++
		case kind == Missed:
			s.Absent++
		case len(c.doubts) > 0 && c.doubts[0].from <= uint32(n):
			s.Unjudged++
		default:
			c.missed(stay, &s)
		}
		s.Due++
	}
	return s
}

func (c *trial) kind(stay int) StayKind {
	if stay < 0 {
		return Asking
	}
	return c.stays[stay].Kind
}

func owed(k StayKind) bool { return k == Member || k == Away || k == Missed }

// close reports whether a stay began or ended within the margin of t.
func (c *trial) close(stay int, t int64) bool {
	return c.margin > 0 && (stay >= 0 && t-c.stays[stay].At <= c.margin ||
		stay+1 < len(c.stays) && c.stays[stay+1].At-t <= c.margin)
}

// near reports whether it is uncertain in which stay the message was sent, and in one
// of those it is owed.
func (c *trial) near(stay int, t int64) bool {
	if !c.close(stay, t) {
		return false
	}
	for i := stay; i >= -1 && (i == stay || t-c.stays[i+1].At <= c.margin); i-- {
		if owed(c.kind(i)) {
			return true
		}
	}
	for i := stay + 1; i < len(c.stays) && c.stays[i].At-t <= c.margin; i++ {
		if owed(c.kind(i)) {
			return true
		}
	}
	return false
}

// missed counts a message that a member did not get, by how its membership ended.
func (c *trial) missed(stay int, s *Sums) {
	end := Stay{Over, 1<<63 - 1}
	if stay+1 < len(c.stays) {
		end = c.stays[stay+1]
	}
	old := false
	if len(c.seen) > 0 && int(c.seen[0].from) < len(c.times) {
		overtaken := c.times[c.seen[0].from]
		old = overtaken < end.At && end.At-overtaken >= c.settle
	}
	switch {
	case old || end.Kind == Over:
		s.Lost++
	case end.Kind == Away:
		s.Gap++
	default:
		s.Unjudged++
	}
}
