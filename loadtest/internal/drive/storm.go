package drive

import (
	"math"

	"github.com/causeway-rt/causeway/loadtest/internal/measure"
)

// storm cuts the connections of a share of the members, time and again while there is
// traffic.
func (g *group) storm() {
	random := g.random(byStorm)
	timer := newTimer()
	defer timer.Stop()
	for g.traffic.pass(g.sending) {
		timer.Reset(g.plan.Cut.Every)
		select {
		case <-g.sending.Done():
			return
		case <-timer.C:
		}
		if !g.traffic.open.Load() {
			continue
		}
		g.mu.Lock()
		victims := append([]*client(nil), g.members...)
		g.mu.Unlock()
		random.Shuffle(len(victims), func(i, j int) { victims[i], victims[j] = victims[j], victims[i] })
		n := int(math.Round(g.plan.Cut.Share * float64(len(victims))))
		for _, c := range victims[:min(n, len(victims))] {
			c.cutOff()
		}
	}
}

// cutOff makes the client's connection vanish, if it has one, and keeps it from
// connecting for a while.
func (c *client) cutOff() {
	c.mu.Lock()
	connected := c.state == inside || c.state == entering
	c.cut = c.cut || connected
	w := c.wire
	c.mu.Unlock()
	if connected {
		c.rec.Add(measure.Cuts, c.number, 1)
		w.Hold(c.plan.Cut.For)
		w.Cut()
	}
}
