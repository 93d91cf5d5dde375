package plan

import (
	"fmt"
	"math"
	"time"
)

// check says what is wrong with the group at key.
func (g *Group) check(key string, shapes *Shapes) error {
	if _, ok := find(g.Scenario); !ok {
		_, err := startFrom(g.Scenario, 0, nil, key)
		return err
	}
	if g.Name == "" || len(g.Name) > 64 {
		return refuse(key+".name", g.Name, "a name of 64 bytes at most")
	}
	if err := g.checkNumbers(key); err != nil {
		return err
	}
	if err := g.checkDists(key); err != nil {
		return err
	}
	if err := g.checkShares(key); err != nil {
		return err
	}
	return g.checkTogether(key, shapes)
}

func (g *Group) checkNumbers(key string) error {
	for _, n := range []struct {
		key   string
		value float64
		most  float64
	}{
		{"clients", float64(g.Clients), mostClients},
		{"rooms", float64(g.Rooms), mostRooms},
		{"rooms_each", float64(g.RoomsEach), mostEach},
		{"publishers", float64(g.Publishers), mostClients},
		{"window", float64(g.Window), mostWindow},
		{"messages", float64(g.Messages), math.MaxInt32 * 1000.},
		{"rate", g.Rate, mostRate},
		{"request_rate", g.RequestRate, mostRate},
		{"arrivals", g.Arrivals, mostRate},
	} {
		if !(n.value >= 0 && n.value <= n.most) {
			return refuse(key+"."+n.key, n.value, "a number from 0 to %.0f", n.most)
		}
	}
	for i, name := range g.Transport {
		if name != "websocket" && name != "polling" && name != "upgrade" {
			return refuse(fmt.Sprintf("%s.transport[%d]", key, i), name, "websocket, polling or upgrade")
		}
	}
	if n := len(g.Transport); n == 0 || n > 100 {
		return refuse(key+".transport", n, "websocket, polling or upgrade, or a list of them")
	}
	return nil
}

func (g *Group) checkDists(key string) error {
	for _, d := range []struct {
		key  string
		dist Dist
		unit string
	}{
		{"payload", g.Payload, ""}, {"think", g.Think, "s"}, {"rejoin", g.Rejoin, "s"}, {"stay", g.Stay, "s"},
	} {
		if d.dist.IsZero() || d.dist.Unit == d.unit {
			continue
		}
		if d.unit == "" {
			return refuse(key+"."+d.key, d.dist, "sizes in bytes such as 128, 4k or 64..1024, without a unit of time")
		}
		return refuse(key+"."+d.key, d.dist, "times with their units, such as 500ms, 1s..5s or exp(2s)")
	}
	return nil
}

func (g *Group) checkShares(key string) error {
	switch {
	case !(g.Cut.Share >= 0 && g.Cut.Share <= 1):
		return refuse(key+".cut.share", g.Cut.Share, "a share from 0 to 1")
	case g.Cut.Share > 0 && (g.Cut.Every < 100*time.Millisecond || g.Cut.Every > longestPhase):
		return refuse(key+".cut.every", g.Cut.Every, "a duration of 100ms or more")
	case g.Cut.For < 0 || g.Cut.For > longestWait:
		return refuse(key+".cut.for", g.Cut.For, "a duration from 0s to %v", longestWait)
	case !(g.Slow.Share >= 0 && g.Slow.Share <= 1):
		return refuse(key+".slow.share", g.Slow.Share, "a share from 0 to 1")
	case g.Slow.BytesPerSecond < 0 || g.Slow.BytesPerSecond > 1<<30:
		return refuse(key+".slow.bytes_per_second", g.Slow.BytesPerSecond, "0 (nothing) to %d", 1<<30)
	}
	return nil
}

// checkTogether is for values that are right alone.
func (g *Group) checkTogether(key string, shapes *Shapes) error {
	publishing := g.Rate > 0 || g.Window > 0
	switch {
	case g.Rate > 0 && g.Window > 0:
		return refuse(key+".window", g.Window, "0 with a rate: either messages come at a rate, or so many are on their way")
	case g.Rooms == 0 && (publishing || g.Publishers > 0):
		return refuse(key+".rooms", 0, "1 or more: somebody publishes")
	case g.Rooms == 0 && !g.Rejoin.IsZero():
		return refuse(key+".rejoin", g.Rejoin, "0 without rooms")
	case g.RoomsEach > g.Rooms:
		return refuse(key+".rooms_each", g.RoomsEach, "%d at most: so many rooms there are", g.Rooms)
	case g.Rooms > 0 && g.RoomsEach == 0:
		return refuse(key+".rooms_each", 0, "1 or more: there are rooms")
	case g.RequestRate > 0 && !g.Requests:
		return refuse(key+".requests", false, "true with a request_rate")
	case g.Arrivals > 0 && g.Clients > 0:
		return refuse(key+".clients", g.Clients, "0 with arrivals: either clients arrive at a rate, or so many are there")
	case g.Arrivals > 0 && g.Stay.IsZero():
		return refuse(key+".stay", g.Stay, "a time, with arrivals: otherwise nobody leaves")
	case g.Binary && !shapes.attachable():
		return refuse(key+".binary", true, `false: "{payload}" is part of a text in events.publish, where no bytes fit`)
	}
	return nil
}
