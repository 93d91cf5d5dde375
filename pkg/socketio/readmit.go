package socketio

import "cmp"

// readmit sends the client what it has missed, and then that it is connected. It reports
// whether the history must be read again, as this node has gone on too far meanwhile.
func (c *conn) readmit(back *comeback) (again bool, err error) {
	s, r := back.socket, back.socket.ns.recovery
	r.order.Lock()
	defer r.order.Unlock()
	if s.life.isOver() {
		return false, refusedTaken
	}
	if back.timeline != r.timeline {
		return false, refusedForgotten
	}
	if r.position.After(back.head) && !r.ring.behind(back.head, back.take) {
		back.from, back.known = back.head, false
		return true, nil
	}
	if back.err != nil {
		return false, back.err
	}
	floor := back.head
	if r.position.After(floor) {
		floor = r.position
	}
	l := s.life
	l.floor, l.sent = floor, back.offset
	if back.events > 0 {
		l.sent = back.last
	}
	l.noted = mark{sent: back.offset, seen: found(back.start)}
	if !c.connected(s, l.greeting(s.id), back.packets) {
		return false, errGone
	}
	counters := &s.ns.server.counters
	counters.recovered.Add(1)
	counters.replayed.Add(int64(back.events))
	return false, nil
}

// take adds an event to what the client is sent, if it is for the socket.
func (back *comeback) take(e *recorded) {
	if back.err != nil || !e.at.After(back.last) {
		return
	}
	if !back.in(e.Rooms, e.at) && len(e.Rooms) > 0 || back.in(e.Except, e.at) {
		return
	}
	back.add(e)
}

// in reports whether the socket was in any of rooms then.
func (back *comeback) in(rooms []string, at Offset) bool {
	for _, name := range rooms {
		for i := range back.rooms {
			if st := &back.rooms[i]; st.Name == name && st.covers(at) {
				return true
			}
		}
	}
	return false
}

func (st *SavedRoom) covers(at Offset) bool {
	return at.After(st.Since) && (st.Until.IsZero() || !at.After(st.Until))
}

// add takes an event that is for the socket.
func (back *comeback) add(e *recorded) {
	set, engine := &back.socket.ns.recovery.settings, &back.socket.ns.server.cfg.Engine
	back.last = e.at
	back.events++
	back.bytes += e.size()
	queue := cmp.Or(engine.MaxQueueBytes, 1<<20) // where it has to wait
	if back.events > set.MaxEvents || back.bytes > min(set.MaxBytes, queue) {
		back.err = refusedTooMany
		back.packets = nil
		return
	}
	back.packets = append(back.packets, e.packet()...)
}
