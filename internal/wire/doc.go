// Package wire is a lean client of Engine.IO v4 and Socket.IO v5, for programs that
// hold thousands of them: the load tool and the end-to-end tests.
//
// # The life of a client
//
// Dial opens a session (by WebSocket, by long-polling, or by long-polling that is
// upgraded), asks for one namespace and returns when the server has answered. From
// then on one goroutine reads. It calls the Handler: Connected, then Event for each
// event, and Disconnected when the session has ended. With a Reconnect the client comes
// back by itself, after the delays of the official client, until Close. From a server with
// connection state recovery it asks its session back: Opened.Recovered says whether it got it.
//
// # What is bounded
//
// Everything that a server sends: the headers of an answer, a message, a packet's
// attachments, what waits to be sent to a server that does not read. And every wait: a
// connection attempt by Config.Timeout, an established session by the heartbeats that
// the server announced, an ack by Config.AckTimeout, Close by a few seconds. What a
// server does wrong ends the session with an error that Class names.
//
// # Goroutines
//
// All methods of a Client may be called from any goroutine; only Close may not be called
// from a Handler, which it would wait for. An idle client costs one goroutine with a
// small stack and no buffer: bytes are read into a buffer of the pool once there are any.
// One clock, for all clients of the process, watches heartbeats and acks.
package wire
