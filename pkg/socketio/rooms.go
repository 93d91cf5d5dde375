package socketio

import (
	"slices"
	"strings"
	"sync"
)

// roomIndex knows which sockets of a namespace are in which rooms. The room that
// is named by a socket's id is implied by byID.
type roomIndex struct {
	ns *Namespace

	mu sync.RWMutex
	// Guarded by mu, like the rooms and position of every socket.
	everyone []*Socket // all that are connected
	byID     map[string]*Socket
	rooms    map[string]*room
	own      int                          // memberships in rooms that are named by their member's id
	fresh    map[*room]map[*Socket]Offset // see hide
}

// room is a named set of sockets, guarded by the index's mu. It exists as long as
// it has members, or a call to the adapter about it is under way.
type room struct {
	index   *roomIndex
	name    string
	members []*Socket
	link    link
}

func (r *room) theLink() (*link, sync.Locker)     { return &r.link, &r.index.mu }
func (r *room) address() (namespace, name string) { return r.index.ns.name, r.name }
func (r *room) unused() bool                      { return len(r.members) == 0 }

func (r *room) drop() {
	x := r.index
	if x.rooms[r.name] != r {
		return
	}
	delete(x.rooms, r.name)
	if len(x.rooms) == 0 {
		x.rooms = make(map[string]*room) // a map never shrinks
	}
}

// membership is a socket's place in a room.
type membership struct {
	room *room
	at   int // index in room.members
}

func (x *roomIndex) init(n *Namespace) {
	x.ns = n
	x.byID = make(map[string]*Socket)
	x.rooms = make(map[string]*room)
}

// add lets a connected socket be found.
func (x *roomIndex) add(s *Socket) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.byID[s.id] = s
	s.position = len(x.everyone)
	x.everyone = append(x.everyone, s)
}

// join makes s a member of the named rooms, all or none of them, and returns
// those in which it was not yet.
func (x *roomIndex) join(s *Socket, names []string, limit int) (joined []*room, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if s.state.Load() >= stateEnded {
		return nil, ErrDisconnected
	}
	if s.membershipIn(s.id) >= 0 {
		limit++ // its own does not count
	}
	for _, name := range names {
		if name == s.id || s.membershipIn(name) >= 0 {
			continue
		}
		if len(s.rooms) >= limit {
			for _, r := range joined {
				x.evict(s, s.membershipIn(r.name))
				s.life.left(r.name, Offset{})
			}
			return nil, ErrTooManyRooms
		}
		r := x.enter(s, name)
		joined = append(joined, r)
		if s.life != nil {
			s.life.stay(r.name)
			x.hide(r, s, unknown)
		}
	}
	return joined, nil
}

// joinOwn makes s a member of the room that is named by its id, for an adapter that is
// told of such rooms.
func (x *roomIndex) joinOwn(s *Socket) *room {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.own++
	return x.enter(s, s.id)
}

// enter needs mu.
func (x *roomIndex) enter(s *Socket, name string) *room {
	r := x.rooms[name]
	if r == nil {
		r = &room{index: x, name: strings.Clone(name)}
		x.rooms[r.name] = r
	}
	s.rooms = append(s.rooms, membership{r, len(r.members)})
	r.members = append(r.members, s)
	return r
}

// leave ends the membership of s in the named room, and returns the room. until is up to
// where the room's events have been delivered.
func (x *roomIndex) leave(s *Socket, name string, until Offset) *room {
	x.mu.Lock()
	defer x.mu.Unlock()
	at := s.membershipIn(name)
	if at < 0 || name == s.id {
		return nil
	}
	r := s.rooms[at].room
	x.evict(s, at)
	s.life.left(name, until)
	return r
}

// of returns the named room if s is in it.
func (x *roomIndex) of(s *Socket, name string) *room {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if at := s.membershipIn(name); at >= 0 {
		return s.rooms[at].room
	}
	return nil
}

// remove forgets s, and returns the rooms it was in.
func (x *roomIndex) remove(s *Socket) (left []membership) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.unlist(s)
	left = slices.Clone(s.rooms)
	for len(s.rooms) > 0 {
		x.evict(s, len(s.rooms)-1)
	}
	s.rooms = nil
	return left
}

// unlist takes s out of those that can be found by their id, and out of everyone. It needs mu.
func (x *roomIndex) unlist(s *Socket) {
	if x.byID[s.id] != s {
		return
	}
	delete(x.byID, s.id)
	last := x.everyone[len(x.everyone)-1]
	last.position = s.position
	x.everyone = swapDelete(x.everyone, s.position)
	if len(x.byID) == 0 {
		x.byID = make(map[string]*Socket)
	}
}

// evict takes s out of the room at s.rooms[i]. It needs mu. An empty room of which
// the adapter knows is left to closeLink.
func (x *roomIndex) evict(s *Socket, i int) {
	m := s.rooms[i]
	last := m.room.members[len(m.room.members)-1]
	if last != s {
		last.rooms[last.membershipOf(m.room)].at = m.at
	}
	m.room.members = swapDelete(m.room.members, m.at)
	s.rooms = slices.Delete(s.rooms, i, i+1)
	x.reveal(m.room, s)
	if m.room.name == s.id {
		x.own--
	}
	if len(m.room.members) == 0 && !m.room.link.joined && m.room.link.call == nil {
		m.room.drop()
	}
}

// swapDelete removes an element in constant time, and gives memory back when
// little of it is still in use.
func swapDelete(list []*Socket, at int) []*Socket {
	last := len(list) - 1
	list[at] = list[last]
	list[last] = nil
	list = list[:last]
	if cap(list) > 64 && last < cap(list)/4 {
		return slices.Clip(slices.Clone(list))
	}
	return list
}

// membershipIn returns the index in s.rooms of the named room, or -1. It needs
// the index's mu, like membershipOf.
func (s *Socket) membershipIn(name string) int {
	return slices.IndexFunc(s.rooms, func(m membership) bool { return m.room.name == name })
}

func (s *Socket) membershipOf(r *room) int {
	return slices.IndexFunc(s.rooms, func(m membership) bool { return m.room == r })
}

// has reports whether the name addresses anybody here: a socket by its id, or
// the members of a room.
func (x *roomIndex) has(name string) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if x.byID[name] != nil {
		return true
	}
	r := x.rooms[name]
	return r != nil && len(r.members) > 0
}

// count returns how many members a room has.
func (x *roomIndex) count(name string) int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if r := x.rooms[name]; r != nil {
		return len(r.members)
	}
	return 0
}

// linkedNames returns the rooms of which the adapter has been told, but for those
// that only wait to be left.
func (x *roomIndex) linkedNames() []string {
	x.mu.RLock()
	defer x.mu.RUnlock()
	names := make([]string, 0, len(x.rooms))
	for name, r := range x.rooms {
		if r.link.joined || r.link.call != nil && len(r.members) > 0 {
			names = append(names, name)
		}
	}
	return names
}

// sizes returns how many sockets are connected, and how many rooms have members; those
// that are implied otherwise do not count.
func (x *roomIndex) sizes() (sockets, rooms int) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.everyone), len(x.rooms) - x.own
}
