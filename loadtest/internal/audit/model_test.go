package audit

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestAnyHistoryIsCountedAsANaiveOracleCountsIt plays random histories: a channel
// that loses, repeats, swaps and changes what passes, publishers that fail, members
// that come, go, lose their connections and come back.
func TestAnyHistoryIsCountedAsANaiveOracleCountsIt(t *testing.T) {
	rounds := 3000
	if testing.Short() {
		rounds = 300
	}
	for seed := range rounds {
		r := rand.New(rand.NewPCG(uint64(seed), 1))
		script := make([]byte, 20+r.IntN(600))
		for i := range script {
			script[i] = byte(r.Uint32())
		}
		playModel(t, script)
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

func FuzzAnyHistoryIsCountedAsANaiveOracleCountsIt(f *testing.F) {
	f.Add([]byte("\x00\x00\x01\x01\x02\x00\x02\x01\x03\x00\x03\x01"))
	r := rand.New(rand.NewPCG(7, 7))
	for range 5 {
		script := make([]byte, 300)
		for i := range script {
			script[i] = byte(r.Uint32())
		}
		f.Add(script)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) < 4096 {
			playModel(t, script)
		}
	})
}

const (
	modelRooms   = 2
	modelClients = 3 // subscribe, and publish
)

// model is an audit with the naive bookkeeping beside it.
type model struct {
	t       *testing.T
	w       *world
	rooms   [modelRooms]*Room
	pubs    [modelClients]*Publisher
	subs    [modelClients]*modelClient
	streams map[*Stream]*modelStream
	order   int
	want    Sums
}

type modelStream struct {
	publisher, room int
	sent            []modelMessage
}

type modelMessage struct {
	order int // of all that happens
	doubt bool
}

type modelClient struct {
	m      *model
	number int
	sub    *Subscriber
	queue  []modelDelivery
	rooms  [modelRooms]modelStay
	credit int64
}

type modelDelivery struct {
	payload    []byte
	stream     *modelStream
	seq        int
	unreadable bool
}

// modelStay is what a client is to a room, and every message that it is owed there.
type modelStay struct {
	state    state
	owes     counter
	known    bool
	leftAt   int // order; 0: never
	leaving  int64
	messages map[*modelStream]map[int]*fate
}

type fate struct {
	arrived   bool
	overtaken int64 // when; 0: not
}

func playModel(t *testing.T, script []byte) {
	m := &model{t: t, w: newWorld(t, Config{}), streams: make(map[*Stream]*modelStream)}
	next := func() int {
		if len(script) == 0 {
			return 0
		}
		b := script[0]
		script = script[1:]
		return int(b)
	}
	for i := range m.rooms {
		m.rooms[i] = m.w.a.Room([]string{"tea", "coffee"}[i])
	}
	for i := range modelClients {
		m.pubs[i] = m.w.a.Publisher(i, nil)
		c := &modelClient{m: m, number: i, sub: m.w.a.Subscriber(i)}
		for r := range c.rooms {
			c.rooms[r] = modelStay{owes: nothing, messages: make(map[*modelStream]map[int]*fate)}
		}
		m.subs[i] = c
	}
	for len(script) > 0 {
		m.order++
		m.step(next)
	}
	for _, c := range m.subs {
		c.finish()
	}
	m.w.expect(m.want)
	if n := m.w.a.Outstanding(); n != 0 {
		t.Errorf("outstanding after the end: %d", n)
	}
	if n := m.w.a.Missing(); n != 0 {
		t.Errorf("missing after the end: %d", n)
	}
}

func (m *model) step(next func() int) {
	op, who := next()%32, next()
	c := m.subs[who%modelClients]
	room := who / modelClients % modelRooms
	switch {
	case op < 9:
		m.send(who%modelClients, room, next())
	case op < 18:
		c.deliver(next())
	case op < 21:
		c.join(room, op)
	case op == 21:
		c.leaving(room)
	case op == 22:
		c.left(room)
	case op == 23:
		c.disconnected()
	case op == 24:
		c.absent(room)
	case op == 25:
		m.publisherDisconnected(who % modelClients)
	case op == 26 && who > 200: // a client that publishes anew, with streams of its own
		m.pubs[who%modelClients].Finish()
		m.pubs[who%modelClients] = m.w.a.Publisher(who%modelClients, nil)
	default:
		m.w.pass(time.Duration(next()) * 10 * time.Millisecond)
	}
}

// send is one message, and its copies on their way to whom choice says.
func (m *model) send(publisher, room, choice int) {
	s := m.pubs[publisher].Stream(m.rooms[room])
	ms := m.streams[s]
	if ms == nil {
		ms = &modelStream{publisher: publisher, room: room}
		m.streams[s] = ms
	}
	payload, sent := s.Next(nil, MinSize+10, 0)
	if int(sent.Seq) != len(ms.sent) {
		m.t.Fatalf("number %d, want %d", sent.Seq, len(ms.sent))
	}
	ms.sent = append(ms.sent, modelMessage{order: m.order})
	m.want.Published++
	if choice == 0 {
		s.Unsent(sent.Seq)
		m.want.Published--
		ms.sent[sent.Seq].doubt = true
	}
	members := 0
	for _, c := range m.subs {
		st := &c.rooms[room]
		if st.state == member || st.state == leaving {
			members++
		}
		if c.number == publisher {
			if st.state == member || st.state == leaving {
				members--
			}
			continue
		}
		if st.state == member || st.state == leaving || st.owes != nothing {
			if st.messages[ms] == nil {
				st.messages[ms] = make(map[int]*fate)
			}
			st.messages[ms][int(sent.Seq)] = &fate{}
			m.want.Due++
		}
		if choice&(1<<c.number) == 0 || choice >= 128 {
			c.queue = append(c.queue, modelDelivery{payload, ms, int(sent.Seq), false})
		}
	}
	if sent.Members != members {
		m.t.Fatalf("due to %d, want %d", sent.Members, members)
	}
}

func (m *model) publisherDisconnected(publisher int) {
	m.pubs[publisher].Disconnected()
	for s, ms := range m.streams {
		if m.pubs[publisher].streams[s.room] != s {
			continue
		}
		for i := range ms.sent {
			// The room's clock shows a moment later than the world's for each tick.
			if s.log.at(uint32(i)) >= s.room.last-int64(time.Second) {
				ms.sent[i].doubt = true
			}
		}
	}
}

// deliver does something to the first on its way.
func (c *modelClient) deliver(choice int) {
	if len(c.queue) == 0 {
		return
	}
	d := c.queue[0]
	c.queue = c.queue[1:]
	switch choice % 16 {
	case 0: // lost
		return
	case 1: // repeated, now or later
		c.queue = append(c.queue, d)
	case 2:
		c.receive(d)
	case 3: // swapped
		if len(c.queue) > 0 {
			c.receive(c.queue[0])
			c.queue[0] = d
			return
		}
	case 4: // changed
		d.payload = flipped(d.payload, MinSize+choice/16%10)
		c.m.want.Corrupted++
	case 5:
		d.payload = flipped(d.payload, markSize+choice/16)
		d.unreadable = true
	}
	c.receive(d)
}

func (c *modelClient) receive(d modelDelivery) {
	want := &c.m.want
	before := *want
	_, v := c.sub.Received(d.payload)
	if d.unreadable {
		want.Corrupted++
		c.credit++
		return
	}
	c.judge(d)
	if first := want.Delivered > before.Delivered; v.First() != first {
		c.m.t.Errorf("verdict %d, first: %v", v, first)
	}
}

func (c *modelClient) judge(d modelDelivery) {
	want := &c.m.want
	st := &c.rooms[d.stream.room]
	if d.stream.publisher == c.number {
		return
	}
	if !st.known {
		want.Unknown++
		return
	}
	f := st.messages[d.stream][d.seq]
	switch {
	case f == nil:
		if st.state == outside && st.owes == nothing && st.leftAt > 0 && d.stream.sent[d.seq].order > st.leftAt {
			want.AfterLeaving++
		}
	case st.state != member && st.state != leaving: // owed, and early
		for seq, other := range st.messages[d.stream] {
			if other.arrived && seq >= d.seq {
				return
			}
		}
		f.arrived = true
		want.Delivered++
	case f.arrived:
		want.Duplicated++
	default:
		f.arrived = true
		want.Delivered++
		if f.overtaken != 0 {
			want.Reordered++
		}
		for seq, other := range st.messages[d.stream] {
			if seq < d.seq && !other.arrived && other.overtaken == 0 {
				other.overtaken = c.m.w.time
			}
		}
	}
}

func (c *modelClient) join(room, op int) {
	st := &c.rooms[room]
	switch {
	case st.state == outside:
		c.sub.Joining(c.m.rooms[room])
		st.state, st.known = joining, true
	case st.state == joining && op == 20 && c.m.order%5 == 0:
		c.sub.Refused(c.m.rooms[room])
		st.state = outside
	case st.state == joining:
		c.sub.Joined(c.m.rooms[room])
		c.charge(st)
		st.state, st.owes = member, nothing
	}
}

// charge counts what was owed meanwhile and did not come.
func (c *modelClient) charge(st *modelStay) {
	for _, fates := range st.messages {
		for _, f := range fates {
			if !f.arrived {
				c.count(st.owes, 1)
			}
		}
	}
	clear(st.messages)
}

func (c *modelClient) count(as counter, n int64) {
	s := &c.m.want
	switch as {
	case lost:
		s.Lost += n
	case gap:
		s.Gap += n
	case absent:
		s.Absent += n
	case unjudged:
		s.Unjudged += n
	}
}

func (c *modelClient) leaving(room int) {
	c.sub.Leaving(c.m.rooms[room])
	st := &c.rooms[room]
	st.known = true
	switch st.state {
	case member:
		st.state, st.leaving = leaving, c.m.w.time
	case joining:
		st.state = outside
	}
	if st.state == outside && st.owes != nothing {
		c.charge(st)
		st.owes, st.leftAt = nothing, c.m.order
	}
}

func (c *modelClient) left(room int) {
	st := &c.rooms[room]
	was := st.state
	c.sub.Left(c.m.rooms[room])
	owed := st.owes
	st.known = true
	if was == member {
		st.leaving = c.m.w.time
	}
	if was == member || was == leaving {
		l, y, d := c.missed(st, st.leaving)
		c.settle(l, y, d, unjudged, false)
		st.state, st.leftAt = outside, c.m.order
		return
	}
	st.state = outside
	if owed != nothing {
		c.charge(st)
		st.owes, st.leftAt = nothing, c.m.order
	}
}

// missed sorts what a member did not get, by what it is.
func (c *modelClient) missed(st *modelStay, at int64) (old, young, doubt int64) {
	for ms, fates := range st.messages {
		for seq, f := range fates {
			switch {
			case f.arrived:
			case ms.sent[seq].doubt:
				doubt++
			case f.overtaken != 0 && at-f.overtaken >= int64(time.Second):
				old++
			default:
				young++
			}
		}
	}
	clear(st.messages)
	return old, young, doubt
}

func (c *modelClient) settle(old, young, doubt int64, as counter, all bool) {
	redeem := func(n int64) int64 {
		k := min(n, c.credit)
		c.credit -= k
		c.m.want.Delivered += k
		return n - k
	}
	c.count(lost, redeem(old))
	if all {
		young = redeem(young)
		doubt = redeem(doubt)
	}
	c.count(as, young)
	c.count(unjudged, doubt)
}

func (c *modelClient) disconnected() {
	c.sub.Disconnected()
	c.queue = nil
	c.end(gap, false)
}

func (c *modelClient) finish() {
	c.sub.Finish()
	c.end(lost, true)
}

func (c *modelClient) end(as counter, finished bool) {
	var gone, left [3]int64
	for i := range c.rooms {
		st := &c.rooms[i]
		into, at := &gone, c.m.w.time
		switch st.state {
		case leaving:
			into, at = &left, st.leaving
			fallthrough
		case member:
			old, young, doubt := c.missed(st, at)
			into[0] += old
			into[1] += young
			into[2] += doubt
			if st.state == member {
				st.owes = gap
			} else {
				st.leftAt = c.m.order
			}
			st.state = outside
		case joining:
			st.state = outside
			if st.owes == nothing {
				st.owes = gap
			}
		}
		if finished {
			c.charge(st)
		}
	}
	if finished {
		gone[0], gone[1] = gone[0]+gone[1], 0
		c.settle(gone[0], gone[1], gone[2], lost, true)
		c.settle(left[0], left[1], left[2], unjudged, true)
		return
	}
	c.settle(left[0], left[1], left[2], unjudged, false)
	c.settle(gone[0], gone[1], gone[2], gap, true)
}

func (c *modelClient) absent(room int) {
	c.sub.Absent(c.m.rooms[room])
	st := &c.rooms[room]
	st.known = true
	if st.state != member && st.state != leaving && st.owes == nothing {
		st.owes = absent
	}
}
