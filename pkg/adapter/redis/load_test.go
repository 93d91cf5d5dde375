package redis

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// load is numbered traffic from every member to every other, so that afterwards each
// message is accounted for.
type load struct {
	t       testing.TB
	rooms   [][]string // whom the messages are for, in turn
	perRoom bool       // those of one may overtake those of another
	members []*member
	logs    []*gapLog
	burst   []atomic.Int64 // by publisher: messages to send at once, of 1 KiB each
	end     chan struct{}
	running sync.WaitGroup // the publishers
	hearing sync.WaitGroup // the receivers and watchers
	ended   chan struct{}  // closed when nothing more is to be received

	mu sync.Mutex
	// Guarded by mu.
	sent      [][]sending   // by publisher; the index is the number of the message
	arrived   [][][]arrival // by receiver and publisher
	unhealthy [][]time.Time // by member: when it was seen to change to not healthy
}

type sending struct {
	at      time.Time
	refused bool
}

type arrival struct {
	number int
	at     time.Time
}

// loadInterval is the time between the messages of a member.
const loadInterval = 10 * time.Millisecond

// startLoad starts members that share a room, and their traffic. Configurations get a
// logger that notes gaps.
func startLoad(t testing.TB, cfgs ...Config) *load {
	t.Helper()
	// To everybody, to a room and to two rooms in turn.
	l := &load{t: t, rooms: [][]string{nil, {"room"}, {"room", "another"}}}
	l.start(cfgs...)
	return l
}

func (l *load) start(cfgs ...Config) {
	t := l.t
	t.Helper()
	l.end, l.ended = make(chan struct{}), make(chan struct{})
	for i, cfg := range cfgs {
		log := &gapLog{}
		cfg.Logger = slog.New(log)
		m := start(t, cfg, fmt.Sprintf("tag%d", i))
		m.join("/", fmt.Sprintf("only%d", i))
		for _, rooms := range l.rooms {
			if len(rooms) == 1 {
				m.join("/", rooms...)
			}
		}
		l.members, l.logs = append(l.members, m), append(l.logs, log)
		l.arrived = append(l.arrived, make([][]arrival, len(cfgs)))
	}
	l.sent, l.unhealthy = make([][]sending, len(cfgs)), make([][]time.Time, len(cfgs))
	l.burst = make([]atomic.Int64, len(cfgs))
	for i := range l.members {
		l.running.Go(func() { l.publish(i) })
		l.hearing.Go(func() { l.receive(i) })
		l.hearing.Go(func() { l.watch(i) })
	}
	t.Cleanup(l.halt)
}

// publish sends until the load ends.
func (l *load) publish(from int) {
	tick := time.NewTicker(loadInterval)
	defer tick.Stop()
	for n := 0; ; n++ {
		inBurst := l.burst[from].Add(-1) >= 0
		b := event("/", fmt.Sprintf(`["load",%d,%d,%q]`, from, n, padding[inBurst]), l.rooms[n%len(l.rooms)]...)
		s := sending{at: time.Now()}
		s.refused = l.members[from].Broadcast(context.Background(), b, func() {}) != nil
		l.mu.Lock()
		l.sent[from] = append(l.sent[from], s)
		l.mu.Unlock()
		if inBurst {
			continue
		}
		select {
		case <-tick.C:
		case <-l.end:
			return
		}
	}
}

var padding = map[bool]string{true: repeat("x", 1<<10)}

func (l *load) receive(at int) {
	for {
		select {
		case b := <-l.members[at].node.delivered:
			l.note(at, b)
		case <-l.ended:
			return
		}
	}
}

func (l *load) note(at int, b *socketio.Broadcast) {
	var from, n int
	if strings.HasPrefix(string(b.Data), `["big"`) {
		return
	}
	if _, err := fmt.Sscanf(string(b.Data), `["load",%d,%d,`, &from, &n); err != nil {
		l.t.Errorf("%d got %s", at, b.Data)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.arrived[at][from] = append(l.arrived[at][from], arrival{n, time.Now()})
}

// watch notes when a member says that it is not healthy.
func (l *load) watch(i int) {
	was := true
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-l.ended:
			return
		}
		is := l.members[i].Healthy()
		if was && !is {
			l.mu.Lock()
			l.unhealthy[i] = append(l.unhealthy[i], time.Now())
			l.mu.Unlock()
		}
		was = is
	}
}

// noticed returns when the first of the members that were ill said so, after since.
func (l *load) noticed(i int, since time.Time) (at time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, at := range l.unhealthy[i] {
		if at.After(since) {
			return at, true
		}
	}
	return time.Time{}, false
}

func (l *load) healthy() bool {
	for _, m := range l.members {
		if !m.Healthy() {
			return false
		}
	}
	return true
}

// halt ends what was started. It may be called again.
func (l *load) halt() {
	select {
	case <-l.ended:
		return
	default:
	}
	close(l.end)
	l.running.Wait()
	close(l.ended)
	l.hearing.Wait()
}

// finish ends the traffic when everything has arrived that was sent after healed, and
// accounts for all of it.
func (l *load) finish(healed time.Time) *account {
	l.t.Helper()
	before := l.sentBy()
	eventually(l.t, "some more traffic", func() bool { return l.sentBy() >= before+20*len(l.members) })
	close(l.end)
	l.running.Wait()
	if !l.waitForLast() {
		l.t.Error("the last messages have not arrived")
	}
	close(l.ended)
	l.hearing.Wait()
	return l.account(healed)
}

func (l *load) sentBy() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.sent {
		n += len(s)
	}
	return n
}

// waitForLast waits until each member has the last message of each other.
func (l *load) waitForLast() bool {
	deadline := time.Now().Add(waitLimit)
	for !l.haveLast() {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(5 * time.Millisecond)
	}
	return true
}

func (l *load) haveLast() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for at := range l.members {
		for from := range l.members {
			if at != from && !l.hasLast(l.arrived[at][from], len(l.sent[from])) {
				return false
			}
		}
	}
	return true
}

// hasLast looks for the last message, or the last of each room.
func (l *load) hasLast(got []arrival, sent int) bool {
	missing := 1
	if l.perRoom {
		missing = len(l.rooms)
	}
	wanted := sent - missing
	for _, m := range got {
		if m.number >= wanted {
			missing--
		}
	}
	return missing <= 0
}

// account is what became of the traffic. A message is one publisher's to one receiver.
type account struct {
	sent, lost, duplicated, reordered int
	refused                           int // lost, and the publisher had been told
	inGap                             int // lost, in what the receiver calls a gap
	lostAfter                         int // lost after everybody was well again
	unexplained                       []string
	stats                             []Stats
}

func (l *load) account(healed time.Time) *account {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := &account{}
	for _, m := range l.members {
		a.stats = append(a.stats, m.Stats())
	}
	for at := range l.members {
		for from := range l.members {
			if at != from {
				l.judge(a, at, from, healed)
			}
		}
	}
	return a
}

// judge accounts for the messages from one member to another. What is lost must be said
// by one of them: by the publisher, in its errors and counters, or by the receiver, as a
// gap that covers the moment.
func (l *load) judge(a *account, at, from int, healed time.Time) {
	sent := l.sent[from]
	got := make([]bool, len(sent))
	last := make([]int, len(l.rooms)) // that has arrived, by room or in [0] of all
	for _, m := range l.arrived[at][from] {
		room := 0
		if l.perRoom {
			room = m.number % len(l.rooms)
		}
		switch {
		case got[m.number]:
			a.duplicated++
		case m.number < last[room]:
			a.reordered++
		}
		got[m.number], last[room] = true, max(last[room], m.number)
	}
	publisher := a.stats[from].PublishFailed + a.stats[from].PublishUnknown
	for n, s := range sent {
		a.sent++
		if got[n] {
			continue
		}
		a.lost++
		if s.at.After(healed) {
			a.lostAfter++
		}
		switch {
		case s.refused:
			a.refused++
		case l.logs[at].covers(s.at):
			a.inGap++
		case publisher > 0:
			publisher-- // counted by the publisher
		default:
			a.unexplained = append(a.unexplained, fmt.Sprintf("%d from %d to %d, sent at %v", n, from, at, s.at.Format("05.000")))
		}
	}
}

func (a *account) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d messages, %d lost (%d of them refused to the publisher, %d in a receiver's gap), %d duplicated, %d reordered",
		a.sent, a.lost, a.refused, a.inGap, a.duplicated, a.reordered)
	for i, s := range a.stats {
		fmt.Fprintf(&b, "\n  node %d: hearing %d gaps, %v; publishing %d gaps, %v; %d published, %d failed, %d unknown, %d refused",
			i, s.Gaps, s.GapTotal.Round(time.Millisecond), s.PublishGaps, s.PublishGapTotal.Round(time.Millisecond),
			s.Published, s.PublishFailed, s.PublishUnknown, s.RefusedAway+s.RefusedFull)
	}
	return b.String()
}

// gapLog is a slog.Handler that keeps the gaps in hearing that an adapter reports.
type gapLog struct {
	mu   sync.Mutex
	gaps []interval // Guarded by mu.
}

type interval struct{ from, to time.Time }

func (g *gapLog) Enabled(context.Context, slog.Level) bool { return true }
func (g *gapLog) WithAttrs([]slog.Attr) slog.Handler       { return g }
func (g *gapLog) WithGroup(string) slog.Handler            { return g }

func (g *gapLog) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "subscribed" {
		return nil
	}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "gap" {
			g.mu.Lock()
			g.gaps = append(g.gaps, interval{r.Time.Add(-a.Value.Duration()), r.Time})
			g.mu.Unlock()
		}
		return true
	})
	return nil
}

// onTheWay is how long a message may take from Broadcast to Redis. A gap is measured
// where it is heard, so it may begin when a lost message was on its way there.
const onTheWay = 250 * time.Millisecond

func (g *gapLog) covers(t time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, gap := range g.gaps {
		if !t.Before(gap.from.Add(-onTheWay)) && !t.After(gap.to) {
			return true
		}
	}
	return false
}
