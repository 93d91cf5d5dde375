package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

const (
	maxArgs = 1000 // of one event, as of those of clients
	// maxAckTimeout is what proxies usually wait for an answer.
	maxAckTimeout = time.Minute
	// maxBatch bounds the emits of one request.
	maxBatch = 100
)

// emission is an emit as it was asked for.
type emission struct {
	target
	event      string
	args       []any // raw JSON
	volatile   bool
	ackTimeout time.Duration // 0: no acks are wanted
}

// emission reads one, and whether it may ask for acks.
func (o *object) emission(acks bool) emission {
	e := emission{target: o.target()}
	var ok bool
	if e.event, ok = o.text("event"); !ok {
		o.wrong(o.full("event"), "missing: want the name of an event")
	}
	o.checkName(o.full("event"), e.event, 0)
	for _, arg := range o.list("args", maxArgs) {
		e.args = append(e.args, arg)
	}
	e.volatile = o.toggle("volatile")
	if acks {
		e.ackTimeout = o.milliseconds("ack_timeout_ms", maxAckTimeout)
	}
	o.end()
	return e
}

func (e *emission) emitter(n *socketio.Namespace) socketio.Emitter {
	to := e.in(n)
	if e.volatile {
		to = to.Volatile()
	}
	return to
}

// emit sends one event.
func emit(c *call) (any, *problem) {
	d := &decoder{maxName: c.cfg.MaxNameBytes}
	e := d.body(c.body).emission(true)
	if d.problem != nil {
		return nil, d.problem
	}
	if p := c.reachable(); p != nil {
		return nil, p
	}
	if e.ackTimeout > 0 {
		return c.gather(&e)
	}
	sent, p := c.send(&e, "")
	if p == nil {
		p = sent.wait(c.ctx)
	}
	if p != nil {
		return nil, p
	}
	return everywhere, nil
}

// send puts an event on its way. path is where it stands in the request.
func (c *call) send(e *emission, path string) (told, *problem) {
	sent := newTold()
	sent.recorded = !e.volatile && c.cfg.Recorded(e.namespace)
	p := c.open(e.namespace, func(n *socketio.Namespace) *problem {
		err := e.emitter(n).Confirm(sent.hear).Emit(e.event, e.args...)
		return sent.refused(err, path)
	})
	return sent, p
}

// refusal says why an event was not sent, or not to all.
func refusal(err error, path string) *problem {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, socketio.ErrReservedEvent):
		return wrong(path+"event", "this name has a meaning of its own in Socket.IO")
	case errors.Is(err, socketio.ErrInvalidJSON), errors.Is(err, socketio.ErrPlaceholder), errors.Is(err, socketio.ErrTooManyAttachments):
		return wrong(path+"args", "%v", err)
	}
	return unreached(reachedNode, "only the sockets of this node have been reached: "+err.Error())
}

// outcome is what became of one emit of a batch.
type outcome struct {
	Status  int      `json:"status"`
	Reached string   `json:"reached,omitempty"`
	Problem *problem `json:"problem,omitempty"`
}

// outcomes are in the order of the emits.
type outcomes struct {
	Results []outcome `json:"results"`
}

// emitMany sends a batch of events, in their order. One that is wrong keeps no other from being sent.
func emitMany(c *call) (any, *problem) {
	d := &decoder{maxName: c.cfg.MaxNameBytes}
	o := d.body(c.body)
	items := o.list("emits", maxBatch)
	o.end()
	if d.problem == nil && len(items) == 0 {
		d.wrong("emits", "want an array of 1 to %d emits", maxBatch)
	}
	if d.problem != nil {
		return nil, d.problem
	}
	if p := c.reachable(); p != nil {
		return nil, p
	}
	problems := make([]*problem, len(items))
	sent := make([]told, len(items))
	for i, item := range items {
		sent[i], problems[i] = c.sendItem(item, fmt.Sprintf("emits[%d]", i))
	}
	results := make([]outcome, len(items))
	ctx, cancel := context.WithTimeout(c.ctx, confirmTime) // for all together
	defer cancel()
	for i, p := range problems {
		if p == nil {
			p = sent[i].wait(ctx)
		}
		if p != nil {
			results[i] = outcome{p.Status, p.Reached, p}
			continue
		}
		results[i] = outcome{Status: c.route.status, Reached: reachedCluster}
	}
	return outcomes{results}, nil
}

func (c *call) sendItem(item json.RawMessage, path string) (told, *problem) {
	d := &decoder{maxName: c.cfg.MaxNameBytes}
	o, _ := d.object(path, item)
	e := o.emission(false)
	if d.problem != nil {
		return told{}, d.problem
	}
	return c.send(&e, path+".")
}
