package socketio

import (
	"encoding/json"
	"slices"
	"sync"
	"time"
)

// life is what a socket of a namespace with recovery has besides: its part in a session
// that another connection may go on with.
type life struct {
	recovered bool // Immutable: it goes on with a session of before

	// Guarded by recoverable.order.
	since Offset // where it was connected; zero as long as that is not known
	floor Offset // what lies up to here is not for it, or has been sent
	sent  Offset // the last recorded event that was sent to it
	noted mark   // what is saved
	later mark   // what will be, once it is certain that the client has got it
	holed bool   // an event could not be sent to it: it has not had everything up to the position

	// Guarded by roomIndex.mu.
	stays   []stay
	tickets uint64

	mu sync.Mutex
	// Guarded by mu.
	pid   string // empty as long as nothing is saved, and if nothing can be
	user  string
	epoch uint64
	over  bool // the session belongs to somebody else, or is being released
	ended bool // nobody may go on with it, though its record may still be there
	dirty bool // the last write has failed
	next  *saveCall
	idle  chan struct{} // closed when no write is under way or wanted; nil before the first
	busy  bool
}

// mark says that who has got the event sent has missed nothing up to seen.
type mark struct {
	sent, seen Offset
	at         time.Time // when it was made; zero: there is none
}

// stay is a membership as it is saved.
type stay struct {
	SavedRoom        // Since is zero as long as it is not known
	ticket    uint64 // tells one of a name from the next
	heard     bool   // the adapter has confirmed it
}

// maxLeft bounds the stays that a socket remembers behind the rooms that it is in.
const maxLeft = 64

// stay begins one. Callers hold roomIndex.mu, here and in left.
func (l *life) stay(room string) {
	l.tickets++
	l.stays = append(l.stays, stay{SavedRoom: SavedRoom{Name: room}, ticket: l.tickets})
}

// left ends one.
func (l *life) left(room string, until Offset) {
	if l == nil {
		return
	}
	i := slices.IndexFunc(l.stays, func(st stay) bool { return st.Name == room && st.Until.IsZero() })
	if i < 0 {
		return
	}
	st := l.stays[i]
	l.stays = slices.Delete(l.stays, i, i+1)
	if st.Since.IsZero() || !until.After(st.Since) {
		return // nothing came meanwhile
	}
	st.Until = until
	l.stays = append(l.stays, st)
	l.forgetOldest()
}

// forgetOldest keeps what was left in bounds. A stay without a name tells that some have
// been forgotten: who missed something before its end can't be given it for certain.
func (l *life) forgetOldest() {
	count, forgotten := 0, Offset{}
	for _, st := range l.stays {
		if !st.Until.IsZero() {
			count++
		}
	}
	if count <= maxLeft {
		return
	}
	l.stays = slices.DeleteFunc(l.stays, func(st stay) bool {
		drop := !st.Until.IsZero() && (count > maxLeft/2 || st.Name == "")
		if drop {
			count--
			if st.Until.After(forgotten) {
				forgotten = st.Until
			}
		}
		return drop
	})
	l.stays = slices.Insert(l.stays, 0, stay{SavedRoom: SavedRoom{Since: beginning, Until: forgotten}, heard: true})
}

// heard notes that the adapter has confirmed rooms, and reports whether where any of the
// stays in them begins is still to be found out.
func (x *roomIndex) heard(s *Socket, rooms []string) (wanting bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range s.life.stays {
		st := &s.life.stays[i]
		if st.Since.IsZero() && slices.Contains(rooms, st.Name) {
			st.heard, wanting = true, true
		}
	}
	return wanting
}

// snapshot returns what is to be saved, and the tickets of those stays whose Since the
// answer tells.
func (s *Socket) snapshot() (saved *SavedSession, tickets []uint64) {
	l, r, x := s.life, s.ns.recovery, &s.ns.rooms
	r.order.Lock()
	saved = &SavedSession{Namespace: s.ns.name, SocketID: s.id, Since: l.since, Sent: l.noted.sent, Seen: l.noted.seen}
	x.mu.RLock()
	for _, st := range l.stays {
		if !st.heard {
			continue
		}
		saved.Rooms = append(saved.Rooms, st.SavedRoom)
		if st.Since.IsZero() {
			tickets = append(tickets, st.ticket)
		}
	}
	x.mu.RUnlock()
	r.order.Unlock()
	l.mu.Lock()
	saved.PID, saved.User, saved.Epoch = l.pid, l.user, l.epoch
	l.mu.Unlock()
	if v := s.Data(); v != nil {
		if data, err := json.Marshal(v); err == nil { // otherwise nobody else sees it, as in FetchSockets
			saved.Data = data
		}
	}
	return saved, tickets
}

// settle says where the stays with these tickets begin, and the socket itself if that was
// open; nil tickets means all that are heard.
func (r *recoverable) settle(s *Socket, tickets []uint64, at Offset) {
	r.order.Lock()
	defer r.order.Unlock()
	r.settleAt(s, tickets, found(at))
}

// settleAt needs order.
func (r *recoverable) settleAt(s *Socket, tickets []uint64, at Offset) {
	l, x := s.life, &r.ns.rooms
	if l.since.IsZero() {
		l.since, l.noted = at, mark{seen: at}
		if l.floor = at; at == beginning {
			l.floor = Offset{} // nobody is ahead of it
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range l.stays {
		st := &l.stays[i]
		if !st.Since.IsZero() || !st.heard || tickets != nil && !slices.Contains(tickets, st.ticket) {
			continue
		}
		st.Since = at
		room := x.rooms[st.Name]
		switch {
		case room == nil || s.membershipOf(room) < 0: // it has ended
		case at != beginning && at.After(r.position):
			x.hide(room, s, at)
			r.settling = append(r.settling, settling{room, s, at})
		default:
			x.reveal(room, s)
		}
	}
}
