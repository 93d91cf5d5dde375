package gateway

import (
	"net/http"
	"time"

	"github.com/causeway-rt/causeway/internal/api"
)

// APIKey opens the server API to whoever has its secret.
type APIKey = api.Key

// APIScope is what an APIKey may be used for.
type APIScope = api.Scope

// APIScopes lists all of them.
var APIScopes = api.Scopes

// apiSlack is how much longer than a client's message a request to the API may be.
const apiSlack = 64 << 10

// newAPI returns nil when there are no keys.
func newAPI(g *gateway) *api.API {
	if len(g.cfg.APIKeys) == 0 {
		return nil
	}
	payload := g.cfg.MaxPayload
	if payload == 0 {
		payload = 1_000_000
	}
	return api.New(api.Config{
		Keys: g.cfg.APIKeys, Sockets: g.sockets, Cluster: others{g, time.Now().UTC()}, Drain: g.requestDrain, Recorded: g.recorded,
		MaxBodyBytes: payload + apiSlack, MaxNameBytes: maxNameBytes, Logger: g.noisy,
	})
}

// keyNames are the names of the API's keys.
func (g *gateway) keyNames() []string {
	names := make([]string, len(g.cfg.APIKeys))
	for i, k := range g.cfg.APIKeys {
		names[i] = k.Name
	}
	return names
}

// apiHandler is what serves the API; nil if there is none.
func (g *gateway) apiHandler() http.Handler {
	if g.api == nil {
		return nil
	}
	return g.api
}

// requestDrain has run begin the drain, as a signal has. It may be called again.
func (g *gateway) requestDrain() {
	select {
	case g.leave <- struct{}{}:
	default:
	}
}

// others is the cluster as the API sees it.
type others struct {
	*gateway
	started time.Time
}

// Away implements api.Cluster.
func (o others) Away() string {
	if o.bus == nil || o.bus.adapter.Stats().CanPublish {
		return ""
	}
	return "Redis is away"
}

// Nodes implements api.Cluster.
func (o others) Nodes() []api.Node {
	if o.cluster == nil {
		return []api.Node{{
			Tag: o.sockets.Tag(), Version: o.cfg.Version, Draining: o.health.draining.Load(), Started: o.started, Self: true,
		}}
	}
	var nodes []api.Node
	for i, n := range o.cluster.registry.Nodes() {
		nodes = append(nodes, api.Node{
			Tag: n.Tag, Address: n.Address, Version: n.Version, Draining: n.Draining, Started: n.Started, Self: i == 0,
		})
	}
	return nodes
}
