package machine

import (
	"math"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

// timeWait is how long Linux keeps the port of a connection that this side has closed.
const timeWait = 60 // seconds

// What one client takes, by experience, in bytes: buffers, goroutine, the audit's
// state, and room for a burst.
const clientBytes = 16 << 10

// need is what a process takes at the plan's fullest.
type need struct {
	clients int
	sockets int // at once
	ports   int // sockets, and those that only the kernel still remembers
}

// needOf is what one of several processes takes that share the plan's clients.
func needOf(p *plan.Plan, processes int) (n need) {
	for i := range p.Groups {
		g := &p.Groups[i]
		clients := (p.Most(i) + processes - 1) / processes
		sockets := int(math.Ceil(float64(clients) * socketsEach(g.Transport)))
		n.clients += clients
		n.sockets += sockets
		n.ports += sockets
		if stay := g.Stay.Mean(); stay > 0 {
			n.ports += int(math.Ceil(float64(sockets) * timeWait / max(stay, .01)))
		}
	}
	return n
}

// socketsEach is the mean of a group's transports. A client that polls sends while a
// request waits; one that upgrades does so until it has.
func socketsEach(transports []string) float64 {
	sum := 0
	for _, t := range transports {
		sum++
		if t != "websocket" {
			sum++
		}
	}
	return float64(sum) / float64(max(len(transports), 1))
}
