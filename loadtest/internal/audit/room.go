package audit

import "sync"

// Room is a room of the server, with those clients of this process that are in it.
type Room struct {
	name  string
	audit *Audit

	// Guarded by mu. It is held for each message sent and each change of membership, not
	// for messages received.
	mu     sync.Mutex
	last   int64               // what the clock showed last
	inside map[uint32]struct{} // clients whose join was answered
	live   []*Stream
	ended  []*Stream // in the order in which they ended
}

// Room returns the room of that name.
func (a *Audit) Room(name string) *Room {
	a.mu.Lock()
	defer a.mu.Unlock()
	r := a.rooms[name]
	if r == nil {
		r = &Room{name: name, audit: a, inside: make(map[uint32]struct{})}
		a.rooms[name] = r
	}
	return r
}

// Name returns the room's name.
func (r *Room) Name() string { return r.name }

// Members returns how many clients of this process are in the room now.
func (r *Room) Members() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.inside)
}

// tick returns the time, later than any before. mu is held.
func (r *Room) tick() int64 {
	r.last = max(r.audit.now(), r.last+1)
	return r.last
}

// sentSince calls do for each stream that sent something at t or later. mu is held.
func (r *Room) sentSince(t int64, do func(*Stream)) {
	for _, s := range r.live {
		if s.log.n > 0 && s.log.last >= t {
			do(s)
		}
	}
	for i := len(r.ended) - 1; i >= 0 && r.ended[i].endedAt >= t; i-- {
		if s := r.ended[i]; s.log.n > 0 && s.log.last >= t {
			do(s)
		}
	}
}

// end moves a stream to those that will send nothing more. mu is held.
func (r *Room) end(s *Stream) {
	for i, l := range r.live {
		if l == s {
			last := len(r.live) - 1
			r.live[i] = r.live[last]
			r.live[last] = nil
			r.live = r.live[:last]
			s.endedAt = r.tick()
			r.ended = append(r.ended, s)
			return
		}
	}
}
