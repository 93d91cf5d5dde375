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
type told struct {
	end      chan error
	recorded bool // it is in the history, or it has reached nobody
}

func newTold() told { return told{end: make(chan error, 1)} }

// hear takes the end. It does not block.
func (t told) hear(err error) { t.end <- err }

// wait returns nil when the way to the other nodes has taken it.
func (t told) wait(ctx context.Context) *problem {
	ctx, cancel := context.WithTimeout(ctx, confirmTime)
	defer cancel()
	select {
	case err := <-t.end:
		if err == nil {
			return nil
		}
		return t.uncertain(err.Error())
	case <-ctx.Done():
		return t.uncertain("no confirmation has come")
	}
}

func (t told) uncertain(why string) *problem {
	if t.recorded {
		return unreached(reachedUnknown, "the event may have been lost, or may reach everybody: "+why)
	}
	return unreached(reachedNode, "only the sockets of this node have certainly been reached: "+why)
}

// refused is the problem that something was not sent, or not to all.
func (t told) refused(err error, path string) *problem {
	p := refusal(err, path)
	if t.recorded && p != nil && p.Reached == reachedNode {
		return unreached(reachedNone, "nothing was done: "+err.Error())
	}
	return p
}
