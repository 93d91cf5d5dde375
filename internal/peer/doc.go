// Package peer lets any node of a cluster answer for the sessions of every other.
//
// A session id begins with its node's tag. Registry claims the tag of this node,
// keeps the claim alive, and knows where the other nodes are. Forwarder stands in
// front of the Socket.IO handler on the public listener: a request whose session
// lives elsewhere is sent, once, to the internal listener of its owner, where
// Receiver gives it to the owner's Socket.IO handler. The client's connection is the
// Forwarder's, and everything that the session decides is the owner's: who asks the
// wrong node gets the answer that the right one gives.
//
// A poll or a POST is one HTTP request on a connection that is kept for the next.
// A WebSocket has a connection to the owner of its own for as long as it lives, a
// tunnel: a relay moves bytes between the two and knows nothing of what they mean.
//
// The life of a node: Join, Announce once it listens, Run until it stops, Drain,
// Leave. A Forwarder and its Receiver are handlers and may be called from any
// goroutine, as may the methods of Registry.
package peer
