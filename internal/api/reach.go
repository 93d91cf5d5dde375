package api

import (
	"context"
	"errors"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

const (
	// confirmTime is how long the way to the other nodes may take to accept something.
	confirmTime = 5 * time.Second
	// askTime is how long the other nodes may take to answer a question, and to be
	// connected with for a namespace that was not open.
	askTime = 3 * time.Second
)

// reached is the answer to what was done everywhere.
type reached struct {
	Reached string `json:"reached"`
}

var everywhere = reached{reachedCluster}

// open calls f with a namespace that the key is for.
func (c *call) open(namespace string, f func(*socketio.Namespace) *problem) *problem {
	if p := c.mayUse(namespace); p != nil {
		return p
	}
	ctx, cancel := context.WithTimeout(c.ctx, askTime)
	defer cancel()
	var p *problem
	err := c.cfg.Sockets.With(ctx, namespace, func(n *socketio.Namespace) error {
		p = f(n)
		return nil
	})
	switch {
	case errors.Is(err, socketio.ErrUnknownNamespace):
		return wrong("namespace", "no such namespace is served here")
	case errors.Is(err, socketio.ErrTooManyNamespaces):
		return unreached(reachedNone, "too many namespaces are open on this node")
	case err != nil:
		return unreached(reachedNone, "the namespace could not be opened: "+err.Error())
	}
	return p
}

// reachable says that the other nodes are known to be out of reach: then nothing is
// done, so that it can be tried again.
func (c *call) reachable() *problem {
	if why := c.cfg.Cluster.Away(); why != "" {
		return unreached(reachedNone, "nothing was done: "+why)
	}
	return nil
}

// told waits for the end of something that was sent to the other nodes.
type told chan error

func newTold() told { return make(told, 1) }

// hear takes the end. It does not block.
func (t told) hear(err error) { t <- err }

// wait returns nil when the way to the other nodes has taken it.
func (t told) wait(ctx context.Context) *problem {
	ctx, cancel := context.WithTimeout(ctx, confirmTime)
	defer cancel()
	select {
	case err := <-t:
		if err == nil {
			return nil
		}
		return unreached(reachedNode, "only the sockets of this node have certainly been reached: "+err.Error())
	case <-ctx.Done():
		return unreached(reachedNode, "only the sockets of this node have certainly been reached: no confirmation has come")
	}
}
