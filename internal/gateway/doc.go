// Package gateway puts the parts together: the public listener with Socket.IO
// on it, the internal one with health and metrics, the relay events that make a
// gateway useful without a line of code, the adapter that joins it with other
// nodes, and the way it stops.
//
// Run is its whole outside; cmd/gateway and the tests call it. A gateway lives
// from Run until its context ends, and is then drained on a context of its own:
// drain.go has the order and the reasons.
package gateway
