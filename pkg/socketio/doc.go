// Package socketio serves Socket.IO v5: namespaces, rooms, events and acks over
// the sessions of package engineio.
package socketio
