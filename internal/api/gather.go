package api

import (
	"encoding/json"
	"errors"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// nodes says how many nodes have answered a question, this one included.
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
	Nodes    nodes  `json:"nodes"`
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
		partial, p := part(err)
		if p != nil {
			return p
		}
		out = gathered{reachedCluster, err == nil, make([]ack, len(replies)), partial.MissingAcks, partial.nodes()}
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

// missing is how much of an answer is missing. The zero value is a whole one of one node.
type missing struct{ socketio.PartialError }

func (m missing) nodes() nodes { return nodes{m.Answered + 1, m.Expected + 1} }

// part returns what an error of a question says of its answer. A problem is one that was no
// answer at all.
func part(err error) (missing, *problem) {
	var partial *socketio.PartialError
	switch {
	case err == nil:
		return missing{}, nil
	case errors.As(err, &partial):
		return missing{*partial}, nil
	}
	return missing{}, refusal(err, "")
}
