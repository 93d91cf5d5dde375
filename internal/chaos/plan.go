package main

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// kind is what goes wrong.
type kind string

// The kinds of faults.
const (
	cutLoud    kind = "cut"         // a client's network is away, and both ends are told
	cutSilent  kind = "vanish"      // the same, and the server is not told
	switched   kind = "switch"      // a client comes by another network, the old connection stays open and silent
	mute       kind = "mute"        // nothing passes at a client, and arrives later
	lag        kind = "lag"         // everything at a client is late
	slowReader kind = "slow-reader" // a client reads little
	cutUpgrade kind = "cut-upgrade" // a client's connections break while it goes over to WebSocket
	killNode   kind = "kill-node"   // SIGKILL
	stopNode   kind = "stop-node"   // SIGSTOP, SIGCONT
	drainNode  kind = "drain-node"  // SIGTERM
	killRedis  kind = "kill-redis"  // SIGKILL, and a start with the append-only file
	muteRedis  kind = "mute-redis"  // nothing passes between the nodes and Redis, and arrives later
	muteOne    kind = "mute-one"    // nothing passes between one node and Redis
	loseRedis  kind = "lose-redis"  // the connections of one node to Redis break, and come again after a time
	dropPubSub kind = "drop-pubsub" // Redis ends all connections that hear channels
)

// target is what a fault happens to.
type target int

const (
	aClient target = iota
	aNode
	theRedis
)

// shape says how a kind of fault looks.
type shape struct {
	target   target
	weight   int // how often it is chosen among those of the same target
	shortest time.Duration
	longest  time.Duration
}

var shapes = map[kind]shape{
	cutLoud:    {aClient, 6, 100 * time.Millisecond, time.Minute},
	cutSilent:  {aClient, 4, 100 * time.Millisecond, time.Minute},
	switched:   {aClient, 4, 0, 0},
	mute:       {aClient, 3, 100 * time.Millisecond, time.Minute},
	lag:        {aClient, 1, time.Second, 20 * time.Second},
	slowReader: {aClient, 2, 2 * time.Second, 30 * time.Second},
	cutUpgrade: {aClient, 4, 0, 50 * time.Millisecond},
	killNode:   {aNode, 3, 100 * time.Millisecond, 10 * time.Second},
	stopNode:   {aNode, 3, 100 * time.Millisecond, 30 * time.Second},
	drainNode:  {aNode, 2, 100 * time.Millisecond, 5 * time.Second},
	killRedis:  {theRedis, 2, 100 * time.Millisecond, 5 * time.Second},
	muteRedis:  {theRedis, 2, 100 * time.Millisecond, 15 * time.Second},
	muteOne:    {theRedis, 3, 100 * time.Millisecond, 20 * time.Second},
	loseRedis:  {theRedis, 3, 100 * time.Millisecond, 10 * time.Second},
	dropPubSub: {theRedis, 3, 0, 0},
}

// The mean times between faults of each target, multiplied by config.Scale. That of clients is
// each client's own.
var between = map[target]time.Duration{aClient: 100 * time.Second, aNode: 20 * time.Second, theRedis: 15 * time.Second}

func kindList() string {
	var names []string
	for k := range shapes {
		names = append(names, string(k))
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// fault is something that goes wrong at a time, for a time.
type fault struct {
	At, For time.Duration
	Kind    kind
	Whom    int // the client or node; for those of Redis, the node whose way it is
}

func (f fault) String() string {
	s := fmt.Sprintf("%s %.3f s", f.Kind, f.For.Seconds())
	switch f.Kind {
	case killRedis, muteRedis, dropPubSub:
		return s
	case muteOne, loseRedis, killNode, stopNode, drainNode:
		return fmt.Sprintf("%s, node %d", s, f.Whom)
	}
	return fmt.Sprintf("%s, client %d", s, f.Whom)
}

// plan makes the faults of a run, in the order of time. They overlap, and all are over by the end of
// the run, but for how long a node takes to end and start.
func plan(c config) []fault {
	random := rand.New(rand.NewPCG(c.Seed, 0xfa17))
	var faults []fault
	for _, t := range []target{aClient, aNode, theRedis} {
		kinds := c.kinds(t)
		if len(kinds) == 0 {
			continue
		}
		mean := float64(between[t]) * c.Scale
		if t == aClient {
			mean /= float64(c.Clients)
		}
		for at := random.ExpFloat64() * mean; at < float64(c.Duration); at += random.ExpFloat64() * mean {
			faults = append(faults, c.fault(random, time.Duration(at), kinds[random.IntN(len(kinds))]))
		}
	}
	slices.SortStableFunc(faults, func(a, b fault) int { return cmp.Compare(a.At, b.At) })
	return faults
}

// kinds are those of a target, each as often as its weight says.
func (c config) kinds(t target) (kinds []kind) {
	for _, k := range slices.Sorted(maps.Keys(shapes)) {
		if s := shapes[k]; s.target == t && (c.Only == "" || slices.Contains(strings.Split(c.Only, ","), string(k))) {
			kinds = append(kinds, slices.Repeat([]kind{k}, s.weight)...)
		}
	}
	return kinds
}

// fault chooses whom it happens to, and for how long: short times are as likely as long ones.
func (c config) fault(random *rand.Rand, at time.Duration, k kind) fault {
	s := shapes[k]
	f := fault{At: at, Kind: k, Whom: random.IntN(c.Nodes)}
	if s.target == aClient {
		f.Whom = random.IntN(c.Clients)
	}
	if k == cutUpgrade { // of those that upgrade
		f.Whom = min(f.Whom|3, c.Clients-c.Clients%4-1)
	}
	if s.longest > 0 {
		low, high := max(float64(s.shortest)*min(c.Scale, 1), 1e6), float64(s.longest)*c.Scale
		f.For = time.Duration(low * math.Pow(max(high/low, 1), random.Float64()))
	}
	f.For = min(f.For, c.Duration-at)
	return f
}
