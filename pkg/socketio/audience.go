package socketio

import (
	"slices"
	"sync"
)

// audience is the set of sockets that a broadcast reaches, and the scratch space
// to find it. It is used again: finding the members of few rooms allocates nothing.
type audience struct {
	sockets []*Socket
	rooms   []*room   // whose members are in sockets already
	alone   []*Socket // addressed by id, and in sockets already
	outside []*room   // whose members are left out
	absent  []*Socket // left out by id

	// Of an event with a place in the history. See hides.
	at    Offset
	fresh map[*room]map[*Socket]Offset // nil if there are none
}

// keepAudience is how many sockets a pooled audience may have room for: beyond
// it, one great broadcast would hold its memory for ever.
const keepAudience = 1 << 17

var audiences = sync.Pool{New: func() any { return new(audience) }}

func (a *audience) release() {
	if cap(a.sockets) > keepAudience {
		return
	}
	for _, list := range []*[]*Socket{&a.sockets, &a.alone, &a.absent} {
		clear(*list)
		*list = (*list)[:0]
	}
	for _, list := range []*[]*room{&a.rooms, &a.outside} {
		clear(*list)
		*list = (*list)[:0]
	}
	a.at, a.fresh = Offset{}, nil
	audiences.Put(a)
}

// keep leaves only the first few of the sockets.
func (a *audience) keep(first []*Socket) {
	clear(a.sockets[len(first):])
	a.sockets = first
}

// fewRooms is up to how many names it is cheaper to look through a socket's rooms for
// each of them than to keep a set of sockets.
const fewRooms = 16

// members returns the sockets that are in any of rooms, or all if there are none, and in
// none of except. Some may not be connected yet, or any more. The caller releases it.
func (x *roomIndex) members(rooms, except []string) *audience {
	a := audiences.Get().(*audience)
	x.mu.RLock()
	defer x.mu.RUnlock()
	x.gather(a, rooms, except)
	return a
}

// membersAt is members for an event that has been recorded at a place in the history.
func (x *roomIndex) membersAt(rooms, except []string, at Offset) *audience {
	a := audiences.Get().(*audience)
	x.mu.RLock()
	defer x.mu.RUnlock()
	a.at, a.fresh = at, x.fresh
	x.gather(a, rooms, except)
	a.fresh = nil // it is guarded by mu
	return a
}

// gather needs mu.
func (x *roomIndex) gather(a *audience, rooms, except []string) {
	if len(rooms)+len(except) > fewRooms {
		x.membersOfMany(a, rooms, except)
		return
	}
	for _, name := range except {
		if r := x.rooms[name]; r != nil {
			a.outside = append(a.outside, r)
		}
		if s := x.byID[name]; s != nil {
			a.absent = append(a.absent, s)
		}
	}
	if len(rooms) == 0 {
		a.addAll(nil, x.everyone)
		return
	}
	for _, name := range rooms {
		if r := x.rooms[name]; r != nil && !slices.Contains(a.rooms, r) {
			a.addAll(r, r.members)
			a.rooms = append(a.rooms, r)
		}
		if s := x.byID[name]; s != nil && a.wants(s) {
			a.sockets = append(a.sockets, s)
			a.alone = append(a.alone, s)
		}
	}
}

// membersOfMany is members in a time that grows with the names and their members, not
// with the product of the two. It needs mu.
func (x *roomIndex) membersOfMany(a *audience, rooms, except []string) {
	seen := make(map[*Socket]bool) // or left out
	x.each(a, except, func(s *Socket) { seen[s] = true })
	add := func(s *Socket) {
		if !seen[s] {
			seen[s] = true
			a.sockets = append(a.sockets, s)
		}
	}
	if len(rooms) > 0 {
		x.each(a, rooms, add)
		return
	}
	for _, s := range x.everyone {
		add(s)
	}
}

// each calls f for the members of each of the rooms, several times for who is in several.
// It needs mu.
func (x *roomIndex) each(a *audience, names []string, f func(*Socket)) {
	done := make(map[string]bool, len(names))
	for _, name := range names {
		if done[name] {
			continue
		}
		done[name] = true
		if r := x.rooms[name]; r != nil {
			for _, s := range r.members {
				if !a.hides(r, s) {
					f(s)
				}
			}
		}
		if s := x.byID[name]; s != nil {
			f(s)
		}
	}
}

// addAll adds the members of r, or everybody if r is nil.
func (a *audience) addAll(r *room, members []*Socket) {
	if len(a.outside)+len(a.absent)+len(a.rooms)+len(a.alone)+len(a.fresh[r]) == 0 {
		a.sockets = append(a.sockets, members...)
		return
	}
	for _, s := range members {
		if a.wants(s) && !a.hides(r, s) {
			a.sockets = append(a.sockets, s)
		}
	}
}

// wants reports whether s is neither left out nor there already.
func (a *audience) wants(s *Socket) bool {
	return !slices.Contains(a.absent, s) && !slices.Contains(a.alone, s) && !a.inAny(s, a.outside) && !a.inAny(s, a.rooms)
}

// inAny needs the index's mu.
func (a *audience) inAny(s *Socket, rooms []*room) bool {
	if len(rooms) == 0 {
		return false
	}
	for _, m := range s.rooms {
		if slices.Contains(rooms, m.room) && !a.hides(m.room, s) {
			return true
		}
	}
	return false
}
