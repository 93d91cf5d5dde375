package api

import "encoding/json"

// nodeList are the nodes that this one knows.
type nodeList struct {
	Nodes []Node `json:"nodes"`
	// Away says why the other nodes can't be told anything now. It is empty when they can.
	Away string `json:"away,omitempty"`
}

func listNodes(c *call) (any, *problem) {
	if p := c.query().end(); p != nil {
		return nil, p
	}
	return nodeList{c.cfg.Cluster.Nodes(), c.cfg.Cluster.Away()}, nil
}

// draining is the answer to drain.
type draining struct {
	Draining bool `json:"draining"`
}

// drain begins to stop the node.
func drain(c *call) (any, *problem) {
	if len(c.body) > 0 {
		d := &decoder{}
		d.body(c.body).end()
		if d.problem != nil {
			return nil, d.problem
		}
	}
	c.cfg.Logger.Info("drain asked for", "key", c.keyName(), "from", c.r.RemoteAddr)
	c.cfg.Drain()
	return draining{true}, nil
}

// describe returns the description of the API.
func describe(*call) (any, *problem) { return json.RawMessage(Document), nil }
