package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/causeway-rt/causeway/internal/wire"
)

// config says what is run. What follows from Seed and the other fields are the faults and what
// the members want, not when they get to it.
type config struct {
	Clients  int // half of them poll
	Nodes    int
	Duration time.Duration // with faults; the quiet end comes on top
	Seed     uint64
	Rate     float64 // messages a second that all members together publish
	// Scale is what the lengths of faults, and of the times between them, are multiplied by.
	Scale    float64
	Recovery time.Duration // the gateways' --recovery; 0: not given
	Fsync    string        // Redis's appendfsync
	Adapter  string        // the gateways' --adapter; empty: not given
	// ChangeEvery is how long a member stays before it leaves a room for another. 0 means 15 s.
	ChangeEvery time.Duration
	Only        string        // the kinds of faults, comma-separated; empty: all
	Quiet       time.Duration // limit of the quiet end's waits, each

	Gateway string   // the program; empty: it is built
	Race    bool     // build it with the race detector
	Tags    string   // build it with these tags
	Env     []string // of the gateways, besides the one of this process
	Keep    bool     // the directory of logs

	// MinRecovered is the least share of connections that must have been recovered, of those that
	// came after a client's first. 0: none.
	MinRecovered float64
}

func (c config) validate() error {
	switch {
	case c.Clients < 4:
		return errors.New("fewer than 4 clients can't talk to each other in several rooms")
	case c.Nodes < 1:
		return errors.New("no nodes")
	case c.Duration <= 0 || c.Scale <= 0 || c.Rate <= 0:
		return errors.New("duration, scale and rate must be more than 0")
	}
	for _, k := range strings.Split(c.Only, ",") {
		if _, known := shapes[kind(k)]; c.Only != "" && !known {
			return fmt.Errorf("no fault is called %q; there are %s", k, kindList())
		}
	}
	return nil
}

// transport gives every second client polling, and the others WebSocket and upgrades by turns.
func (c config) transport(client int) wire.Transport {
	return [...]wire.Transport{wire.Polling, wire.WebSocket, wire.Polling, wire.Upgrade}[client%4]
}

// rooms chooses n different rooms, of which there are one for eight clients, and at least 4.
func (c config) rooms(random *rand.Rand, n int) []string {
	var rooms []string
	for _, r := range random.Perm(max(c.Clients/8, 4))[:n] {
		rooms = append(rooms, fmt.Sprintf("room-%d", r))
	}
	return rooms
}

// pingInterval is that of the gateways, and their ping timeout.
func (c config) pingInterval() time.Duration {
	return max(time.Duration(float64(5*time.Second)*c.Scale), time.Second)
}

// drainWindow is that of the gateways.
func (c config) drainWindow() time.Duration {
	return max(time.Duration(float64(5*time.Second)*c.Scale), 500*time.Millisecond)
}

func (c config) gatewayFlags() (flags []string) {
	if c.Recovery > 0 {
		flags = append(flags, "--recovery", c.Recovery.String())
	}
	if c.Adapter != "" {
		flags = append(flags, "--adapter", c.Adapter)
	}
	return flags
}

// sabotage has the gateways built so that something can be switched off, and switches it off.
func (c *config) sabotage(what string) {
	c.Tags, c.Env = "sabotage", []string{"CAUSEWAY_SABOTAGE=" + what}
}
