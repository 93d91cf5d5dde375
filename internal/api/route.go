package api

import "net/http"

// route is one thing that the API does.
type route struct {
	name   string // its last part, and its label in metrics
	method string
	scope  Scope // that a key must have; empty: anybody may, without a key
	status int   // of success
	do     func(*call) (any, *problem)
}

// unrouted is what a request belongs to as long as nothing better is known.
var unrouted = &route{name: "other"}

// newRoutes returns everything that the API does, by path. openapi.json describes it.
func newRoutes() map[string]*route {
	const post, get, ok = http.MethodPost, http.MethodGet, http.StatusOK
	byPath := map[string]*route{}
	for _, r := range []route{
		{"emit", post, ScopeEmit, ok, emit},
		{"emits", post, ScopeEmit, ok, emitMany},
		{"join", post, ScopeManage, ok, join},
		{"leave", post, ScopeManage, ok, leave},
		{"disconnect", post, ScopeManage, ok, disconnect},
		{"sockets", get, ScopeRead, ok, listSockets},
		{"rooms", get, ScopeRead, ok, listRooms},
		{"nodes", get, ScopeRead, ok, listNodes},
		{"drain", post, ScopeDrain, http.StatusAccepted, drain},
		{"openapi.json", get, "", ok, describe},
	} {
		byPath[Path+r.name] = &r
	}
	return byPath
}

// find finds the route.
func (c *call) find() *problem {
	r := c.routes[c.r.URL.Path]
	if r == nil {
		return newProblem(notFound, "there is nothing at this path: see %sopenapi.json", Path)
	}
	if c.r.Method != r.method {
		return newProblem(wrongMethod, "use %s here", r.method).with("Allow", r.method)
	}
	c.route = r
	return nil
}
