package gateway

import (
	"errors"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// Recovery says how clients of a namespace get what they missed while they were away.
type Recovery = socketio.Recovery

// errClusterHistory is why there is no recovery with a Redis Cluster yet.
var errClusterHistory = errors.New("--recovery: not with a Redis Cluster yet: one Redis, or Sentinel")

// recovers reports whether clients can recover in any namespace.
func (c *Config) recovers() bool {
	if c.Recovery.Window > 0 {
		return true
	}
	for _, r := range c.RecoveryOf {
		if r.Window > 0 {
			return true
		}
	}
	return false
}

// recorded reports whether a namespace has a history.
func (g *gateway) recorded(namespace string) bool { return g.cfg.recoveryOf(namespace).Window > 0 }

// recoveryOf is the Recovery of a namespace.
func (c *Config) recoveryOf(namespace string) socketio.Recovery {
	if r, ok := c.RecoveryOf[namespace]; ok {
		return r
	}
	return c.Recovery
}
