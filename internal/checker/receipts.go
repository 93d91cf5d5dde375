package checker

import (
	"fmt"
	"sort"
)

// track is a session that is being judged.
type track struct {
	*Session
	client, session int
	end             Time // when the next session began; 0: this one is the last
	got             map[ID]bool
	// marks are how far the session had come with each receipt.
	marks []mark
}

// mark is how far a session has come.
type mark struct {
	at        Time
	offset    Offset // the highest received
	requested Time   // the latest request of a message that was received
}

// readReceipts judges what a session received, one after the other.
func (j *judge) readReceipts(client, session int) *track {
	c := &j.Clients[client]
	t := &track{Session: &c.Sessions[session], client: client, session: session, got: map[ID]bool{}}
	if session+1 < len(c.Sessions) {
		t.end = c.Sessions[session+1].opened()
	}
	order := newOrder()
	var last mark
	for _, r := range t.Received {
		j.verdict.Received++
		fault := func(k Kind, format string, args ...any) {
			j.verdict.find(Finding{Kind: k, Client: client, Session: session, ID: r.ID, At: r.At, Detail: fmt.Sprintf(format, args...)})
		}
		m := j.messages.byID[r.ID]
		switch {
		case m == nil || r.Spoilt:
			fault(Unsent, "its content is of nobody")
			continue
		case m.Outcome == Refused:
			fault(Unsent, "the publisher was told that it is not sent")
		case m.Requested > r.At:
			fault(Unsent, "it was sent only at %.3f s", m.Requested.Seconds())
		}
		if t.got[r.ID] {
			fault(Twice, "offset %s", r.Offset)
			continue
		}
		t.got[r.ID] = true
		j.offset(r, m, last, fault)
		order.check(m, fault)
		t.membership(m, fault)
		last.at = r.At
		last.requested = max(last.requested, m.Requested)
		if r.Offset.After(last.offset) {
			last.offset = r.Offset
		}
		t.marks = append(t.marks, last)
	}
	return t
}

func (j *judge) offset(r Receipt, m *message, last mark, fault func(Kind, string, ...any)) {
	switch {
	case r.Offset == Offset{}:
		if j.Offsets {
			fault(BadOffset, "there is none")
		}
	case r.Offset != m.offset:
		fault(BadOffset, "%s, and elsewhere %s", r.Offset, m.offset)
	case j.messages.byOffset[r.Offset] != m.ID:
		fault(BadOffset, "%s is also that of message %s", r.Offset, j.messages.byOffset[r.Offset])
	case !r.Offset.After(last.offset):
		fault(BadOffset, "%s after %s", r.Offset, last.offset)
	}
}

// membership looks whether a message may have been for the session.
func (t *track) membership(m *message, fault func(Kind, string, ...any)) {
	if m.ID.Publisher == t.client && m.Session == t.session {
		fault(Outside, "it is the client's own")
		return
	}
	settled := m.settled()
	for _, in := range t.Memberships {
		before := settled < in.JoinRequested
		after := in.Left != 0 && m.Requested > in.Left
		if in.Room == m.Room && !before && !after {
			return
		}
	}
	fault(Outside, "room %s; requested at %.3f s, sent by %.3f s", m.Room, m.Requested.Seconds(), settled.Seconds())
}

// passed reports whether the session, before a time, got something that was sent after m. until 0 is
// the end of the session.
func (t *track) passed(m *message, until Time) bool {
	n := len(t.marks)
	if until != 0 {
		n = sort.Search(n, func(i int) bool { return t.marks[i].at >= until })
	}
	if n == 0 {
		return false
	}
	last, settled := t.marks[n-1], m.settled()
	return m.offset != (Offset{}) && last.offset.After(m.offset) || settled != 0 && last.requested > settled
}

// order watches the order of each publisher.
type order struct {
	requested map[int]Time            // by publisher: the latest request of a message that came
	number    map[publisherAndWay]int // the highest that came
}

// publisherAndWay is a publisher's connection.
type publisherAndWay struct{ publisher, session, connection int }

func newOrder() *order {
	return &order{requested: map[int]Time{}, number: map[publisherAndWay]int{}}
}

// check looks whether something that was sent after m for certain has come before it: what was
// requested on the same connection later, or after m had been acknowledged.
func (o *order) check(m *message, fault func(Kind, string, ...any)) {
	way := publisherAndWay{m.ID.Publisher, m.Session, m.Connection}
	latest := o.requested[m.ID.Publisher]
	switch {
	case o.number[way] > m.ID.Number:
		fault(Reordered, "after %d of the same connection", o.number[way])
	case m.Outcome == Acknowledged && latest > m.Answered:
		fault(Reordered, "acknowledged at %.3f s, and after one that was requested at %.3f s", m.Answered.Seconds(), latest.Seconds())
	}
	o.number[way] = max(o.number[way], m.ID.Number)
	o.requested[m.ID.Publisher] = max(latest, m.Requested)
}
