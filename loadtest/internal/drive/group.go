package drive

import (
	"bytes"
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

// group is the clients that do the same.
type group struct {
	// Immutable.
	*run
	index int
	plan  *plan.Group
	rooms []*room
	// shares and messages are this process's.
	shares   shares
	messages int

	crowds     chan crowd // what the population goroutine is to bring about
	publishing *lane
	requests   *lane
	agenda     *agenda
	// request is the payload of requests.
	request []byte
	// publishers are clients of their own; empty if the members publish.
	publishers []*client

	sent atomic.Bool // as many messages as the plan wants

	mu sync.Mutex
	// Guarded by mu.
	members []*client // in no order; each knows its place
	closed  bool      // nobody is let in any more
}

func newGroup(r *run, index int) *group {
	g := &group{run: r, index: index, plan: &r.whole.Groups[index]}
	g.crowds = make(chan crowd, len(r.whole.Phases)+1)
	g.publishing = newLane(r.clock, len(r.whole.Phases))
	g.requests = newLane(r.clock, len(r.whole.Phases))
	// What several processes do at even distances is even together.
	g.publishing.pacer.shift = float64(r.part.Worker) / float64(r.part.Workers)
	g.requests.pacer.shift = g.publishing.pacer.shift
	g.agenda = newAgenda(r.clock)
	for i := range g.plan.Rooms {
		name := r.roomName(index, i)
		g.rooms = append(g.rooms, &room{Room: r.audit.Room(name), name: []byte(name)})
	}
	if r.shapes.RequestPayload() {
		g.request = bytes.Repeat([]byte("x"), g.plan.Payload.Size(g.random(byGroup)))
	}
	g.shares = r.part.shares(g.plan)
	g.messages = r.part.messages(g.plan)
	for range r.part.of(g.plan.Publishers) {
		g.publishers = append(g.publishers, g.newClient(publisherPlace))
	}
	return g
}

// random returns a source for one goroutine of the group, in this part of the run.
func (g *group) random(use uint64) *rand.Rand {
	return g.whole.Rand(uint64(g.part.Worker)<<32 | uint64(g.index)<<8 | use)
}

// The goroutines of a group that choose at random.
const (
	byGroup = iota
	byPublisher
	byAgenda
	byStorm
)

// begin starts the group's goroutines.
func (g *group) begin() {
	g.work.Go(g.populate)
	for _, lane := range []func(){g.publishAll, g.askByRate} {
		g.lanes.Add(1)
		g.work.Go(func() {
			defer g.lanes.Add(-1)
			lane()
		})
	}
	g.work.Go(func() {
		random := g.random(byAgenda)
		g.agenda.run(g.life, func(d dueThing) { g.do(d, random) })
	})
	if g.plan.Cut.Share > 0 && g.plan.Cut.Every > 0 {
		g.work.Go(g.storm)
	}
}

// enter tells the goroutines of a new phase. It does not wait.
func (g *group) enter(ctx context.Context, phase int, at, length time.Duration) {
	n := g.whole.Numbers(phase, g.index)
	g.publishing.changes <- along(times(n.Rate, g.shares.publish), at, length)
	g.requests.changes <- along(times(n.RequestRate, g.shares.ask), at, length)
	if g.whole.Phases[phase].Kind == plan.Stop {
		return
	}
	g.unsettled.Add(1) // until move has brought those who are to come at once
	g.crowds <- crowd{phase: ctx, at: at, length: length, clients: n.Clients, arrivals: times(n.Arrivals, g.shares.arrivals)}
}

// along is the stretch of a phase in which a rate goes along the line.
func along(l plan.Line, at, length time.Duration) stretch {
	return stretch{at: at, length: length, from: l.From, to: l.To}
}

// size is how many clients there should be now: those that could not connect included.
func (g *group) size() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.members) + len(g.publishers)
}

// member is one of the members, all of whom come in turn as n grows; nil if there is none.
func (g *group) member(n int64) *client {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.members) == 0 {
		return nil
	}
	return g.members[n%int64(len(g.members))]
}

// everybody is the clients of this moment, publishers included.
func (g *group) everybody() []*client {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := make([]*client, 0, len(g.members)+len(g.publishers))
	return append(append(all, g.publishers...), g.members...)
}
