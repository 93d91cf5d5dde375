// Package engineio serves Engine.IO v4: it turns HTTP long-polling and WebSocket
// connections into sessions that carry messages both ways.
//
// # A session's life
//
// A request without a session id opens a session: Config.OnSession is told and
// returns the Receiver of what the client sends. The session keeps an outgoing
// queue; whichever transport the client has at the moment drains it. Session.Send
// only enqueues. A polling session is drained by the client's pending GET; a
// WebSocket session by one of a few flush workers, which write without blocking
// and hand a connection whose kernel buffer is full to a goroutine of its own. An
// upgrade changes who drains, and nothing else.
//
// A WebSocket connection is read by one goroutine. On Linux a connection that has
// been silent for a second gives it up until bytes arrive (park_linux.go).
//
// Heartbeats and closing waits are entries of FIFO lists (clock.go): an idle
// session has no timer.
//
// A session ends once, with one Reason. Closed says so to the receiver; what the
// transport still has to do (flush, say goodbye, wait for the peer's) goes on for a
// bounded time after that.
//
// # Concurrency
//
// All exported methods may be called from any goroutine. Server.Close waits for
// every goroutine that the package started.
package engineio
