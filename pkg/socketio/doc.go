// Package socketio serves Socket.IO v5: namespaces, rooms, events and acks over
// the sessions of package engineio.
//
// # The life of a socket
//
// A client opens a session and asks for a namespace. The namespace's middlewares
// (Use) decide; then the client is told, and the OnConnect functions get the
// Socket. From then on its events go to its handlers (On), one at a time and in
// the order in which they were sent, until it ends: OnDisconnecting functions see
// it in its rooms, OnDisconnect functions when it has left them.
//
// # Goroutines
//
// All exported methods may be called from any goroutine. Handlers of one
// connection run one at a time and may block: heartbeats and acks go on, and
// events wait. When too many wait, the client is no longer read. A handler that
// panics ends its connection, and nothing else.
//
// # Rooms
//
// A room is a name; it exists while it has members. When Join has returned, emits
// of every node to the room reach the socket. When Leave has returned, no more do.
//
// # Recovery
//
// In a namespace with Config.Recovery a client whose connection was lost goes on with its
// session, if it comes back in time and to whichever node: it gets what it has missed, once and in
// order, before it is connected. Events go through a history then (Adapter and History), which all
// nodes deliver from, so that every client sees one order. Each ends with its place in the history as an
// additional argument, which the official client keeps. Volatile and local events, and those that
// ask for acks, are not in the history. If something can't be had any more, the client
// starts afresh: Socket.Recovered tells, as it does on the client.
package socketio
