package main

import (
	"fmt"
	"strconv"
	"time"

	"github.com/causeway-rt/causeway/internal/access"
	"github.com/causeway-rt/causeway/internal/gateway"
)

const (
	// leastWindow is how long clients may be away at least: nodes look after the records of
	// their sessions twice in that time.
	leastWindow = time.Second
	// mostMissed is how many messages a session's queue takes.
	mostMissed      = 16_384
	mostMissedBytes = 1 << 30

	wantWindow   = "0s (off), or a duration such as 30s or 2m, from 1s to 24h"
	wantOneRedis = "0s with a Redis Cluster: recovery needs one Redis, or Sentinel, so far"
)

// recovery is that of all namespaces that the file says nothing else of.
func (p *parser) recovery(f *flags, redisURL string) gateway.Recovery {
	r := gateway.Recovery{Window: p.window("recovery", f.Recovery), MaxBytes: p.size("recovery-max-bytes", f.RecoveryMaxBytes)}
	var err error
	if r.MaxEvents, err = strconv.Atoi(string(f.RecoveryMaxEvents)); err != nil || r.MaxEvents < 1 || r.MaxEvents > mostMissed {
		p.refuse("recovery-max-events", string(f.RecoveryMaxEvents), fmt.Sprintf("a whole number from 1 to %d", mostMissed))
	}
	if r.Window > 0 && gateway.IsRedisCluster(redisURL) {
		p.refuse("recovery", string(f.Recovery), wantOneRedis)
	}
	return r
}

// missedTooLarge warns of a limit that is never reached: what a client has missed waits in
// its queue.
func missedTooLarge(c gateway.Config) []string {
	if c.Recovery.Window == 0 || c.Recovery.MaxBytes <= c.MaxQueue {
		return nil
	}
	return []string{fmt.Sprintf("--recovery-max-bytes is more than --max-queue: a client that has missed more than %d bytes starts afresh", c.MaxQueue)}
}

func (p *parser) window(flag string, t text) time.Duration {
	d, err := time.ParseDuration(string(t))
	if err != nil || !isWindow(d) {
		p.refuse(flag, string(t), wantWindow)
	}
	return d
}

func isWindow(d time.Duration) bool { return d == 0 || d >= leastWindow && d <= longest }

// readRecovery reads the recovery of single namespaces. What is left out is as in all others.
func readRecovery(m *mapping, cfg *gateway.Config) {
	for _, n := range m.byName("a name such as / or /chat, without , and ?", access.MaxNamespaces, access.CheckNamespace) {
		r := cfg.Recovery
		r.Window = n.duration("window", r.Window, 0, longest)
		r.MaxEvents = n.number("max_events", r.MaxEvents, 1, mostMissed)
		r.MaxBytes = n.number("max_bytes", r.MaxBytes, 1, mostMissedBytes)
		switch {
		case !isWindow(r.Window):
			n.refuse("window", wantWindow)
		case n.has("window") && r.Window > 0 && gateway.IsRedisCluster(cfg.RedisURL):
			n.refuse("window", wantOneRedis)
		}
		n.done()
		if cfg.RecoveryOf == nil {
			cfg.RecoveryOf = map[string]gateway.Recovery{}
		}
		cfg.RecoveryOf[n.name] = r
	}
}
