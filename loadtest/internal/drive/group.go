package drive

import (
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

	crowds   chan crowd // what the population goroutine is to bring about
	publish  *lane
	requests *lane
	agenda   *agenda
	// publishers are clients of their own; empty if the members publish.
	publishers []*client

	sent atomic.Bool // as many messages as the plan wants

	mu sync.Mutex
	// Guarded by mu.
	members []*client // in no order; each knows its place
	gone    bool      // no more are taken in
}

func newGroup(r *run, index int) *group {
	g := &group{run: r, index: index, plan: &r.planned.Groups[index]}
	g.crowds = make(chan crowd, len(r.planned.Phases)+1)
	g.publish = newLane(r.clock, len(r.planned.Phases))
	g.requests = newLane(r.clock, len(r.planned.Phases))
	g.agenda = newAgenda(r.clock)
	for i := range g.plan.Rooms {
		g.rooms = append(g.rooms, newRoom(g, i))
	}
	for range g.plan.Publishers {
		g.publishers = append(g.publishers, g.newClient(0, true))
	}
	return g
}

// random returns a source for one goroutine of the group.
func (g *group) random(use uint64) *rand.Rand {
	return g.planned.Rand(uint64(g.index)<<8 | use)
}

// The goroutines of a group that choose at random.
const (
	byPopulation = iota
	byPublisher
	byAgenda
	byStorm
)

// begin starts the group's goroutines.
func (g *group) begin() {
	g.work.Go(g.populate)
	g.work.Go(g.publishAll)
	g.work.Go(g.ask)
	g.work.Go(func() {
		random := g.random(byAgenda)
		g.agenda.run(g.life, func(d dueThing) { g.do(d, random) })
	})
	if g.plan.Cut.Share > 0 && g.plan.Cut.Every > 0 {
		g.work.Go(g.storm)
	}
}

// enter tells the goroutines of a new phase. It does not wait.
func (g *group) enter(phase int, at, length time.Duration) {
	n := g.planned.Numbers(phase, g.index)
	g.publish.changes <- stretch{at: at, length: length, from: n.Rate.From, to: n.Rate.To}
	g.requests.changes <- stretch{at: at, length: length, from: n.RequestRate.From, to: n.RequestRate.To}
	g.crowds <- crowd{at: at, length: length, clients: n.Clients, arrivals: n.Arrivals}
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
