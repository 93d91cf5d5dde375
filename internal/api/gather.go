package api

import (
	"encoding/json"
	"errors"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// nodes says how many nodes have answered a question, this one included. It is left out of
// answers that are complete.
type nodes struct {
	Answered int `json:"answered"`
	Expected int `json:"expected"`
}

// gathered are the acks of an emit.
type gathered struct {
	Reached  string `json:"reached"`
	Complete bool   `json:"complete"`
	Acks     []ack  `json:"acks"`    // in no order
	Missing  int    `json:"missing"` // sockets that have not answered, of nodes that have
	Nodes    *nodes `json:"nodes,omitempty"`
}

// ack is what one client has answered.
type ack struct {
	Args        json.RawMessage `json:"args"`
	Attachments [][]byte        `json:"attachments,omitempty"` // of the placeholders in args
}

// gather sends an event and waits for the acks.
func (c *call) gather(e *emission) (any, *problem) {
	var out gathered
	p := c.open(e.namespace, func(n *socketio.Namespace) *problem {
		replies, err := e.emitter(n).Timeout(e.ackTimeout).EmitWithAck(c.ctx, e.event, e.args...)
		var partial *socketio.PartialError
		if err != nil && !errors.As(err, &partial) {
			return refusal(err, "")
		}
		out = gathered{Reached: reachedCluster, Complete: err == nil, Acks: make([]ack, len(replies))}
		if err != nil {
			out.Missing, out.Nodes = partial.MissingAcks, c.answered(err)
		}
		for i, r := range replies {
			out.Acks[i] = ack{r.From(0).JSON(), r.Attachments()}
		}
		return nil
	})
	if p != nil {
		return nil, p
	}
	return out, nil
}

// answered says how many nodes have answered a question that ended with err; nil if all have.
// Where they could not be asked, only this one has, and those that are known should have.
func (c *call) answered(err error) *nodes {
	var partial *socketio.PartialError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &partial):
		return &nodes{partial.Answered + 1, partial.Expected + 1}
	}
	return &nodes{1, max(len(c.cfg.Cluster.Nodes()), 1)}
}
