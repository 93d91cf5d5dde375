package checker

import (
	"cmp"
	"slices"
)

// messages are all that were sent, and what is known of them from those who got them.
type messages struct {
	byID   map[ID]*message
	byRoom map[string][]*message // in the order of their requests
	// byOffset is whom an offset belongs to: the first that came with it.
	byOffset map[Offset]ID
}

// message is a Message with what its receipts tell.
type message struct {
	*Message
	offset Offset // zero: not known
	came   Time   // to whoever got it first; 0: to nobody
}

// settled is when the message had been sent for certain; 0: never.
func (m *message) settled() Time {
	switch {
	case m.Outcome != Acknowledged:
		return m.came
	case m.came == 0:
		return m.Answered
	}
	return min(m.Answered, m.came)
}

func newMessages(h *History) *messages {
	all := &messages{byID: make(map[ID]*message, len(h.Messages)), byRoom: map[string][]*message{}, byOffset: map[Offset]ID{}}
	for i := range h.Messages {
		m := &message{Message: &h.Messages[i]}
		all.byID[m.ID] = m
		all.byRoom[m.Room] = append(all.byRoom[m.Room], m)
	}
	for _, room := range all.byRoom {
		slices.SortFunc(room, func(a, b *message) int { return cmp.Compare(a.Requested, b.Requested) })
	}
	for c := range h.Clients {
		for s := range h.Clients[c].Sessions {
			for _, r := range h.Clients[c].Sessions[s].Received {
				if m := all.byID[r.ID]; m != nil {
					m.receivedAs(r)
					if _, known := all.byOffset[r.Offset]; !known {
						all.byOffset[r.Offset] = r.ID
					}
				}
			}
		}
	}
	return all
}

func (m *message) receivedAs(r Receipt) {
	if m.came == 0 || r.At < m.came {
		m.came = r.At
	}
	if m.offset == (Offset{}) {
		m.offset = r.Offset
	}
}

// requestedWithin returns the messages of a room that were requested after from and before to;
// to is 0 for no end.
func (all *messages) requestedWithin(room string, from, to Time) []*message {
	of := all.byRoom[room]
	after := func(m *message, t Time) int {
		if m.Requested <= t {
			return -1
		}
		return 1
	}
	first, _ := slices.BinarySearchFunc(of, from, after)
	if to == 0 {
		return of[first:]
	}
	last, _ := slices.BinarySearchFunc(of, to-1, after)
	return of[first:max(first, last)]
}
