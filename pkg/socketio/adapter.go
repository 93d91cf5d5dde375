package socketio

import "context"

// Adapter carries what one node says to the others. A Server without one is a
// cluster of one node. All methods may be called from any goroutine. The package
// adaptertest has the tests that an Adapter must pass.
type Adapter interface {
	// Join says that this node has its first member of a room, or, with an empty
	// room, that it serves a namespace from now on. It returns when emits of other
	// nodes to that room, or to the namespace and each of this node's sockets in
	// it, will be heard. Calls about one room, or one namespace, never overlap. There
	// is none for a room whose name has the form of this node's socket ids, which is
	// 20 characters that begin with the tag: they are heard with the namespace, unless
	// the adapter is a PrivateRoomsAdapter that wants to be told.
	Join(ctx context.Context, namespace, room string) error
	// Leave is the end of what Join began: the last member has left, or, with an
	// empty room, the namespace is no longer served.
	Leave(ctx context.Context, namespace, room string) error
	// Broadcast hands an emit to the other nodes. deliver reaches this node's own
	// sockets: the adapter calls it once, at once or when the emit comes back from
	// the bus, and in the order of the Broadcast calls of one caller. deliver may call
	// the adapter, so no lock is held meanwhile. An error says that the other nodes
	// may not get it.
	Broadcast(ctx context.Context, b *Broadcast, deliver func()) error
	// Run carries messages to node until ctx ends, and heals what breaks. It is
	// called once, before any other method needs an answer.
	Run(ctx context.Context, node Node) error
}

// PrivateRoomsAdapter is an Adapter that may have to be told of the rooms that are named
// by the ids of this node's own sockets, each of which has one member. A Server finds out
// by assertion, once.
type PrivateRoomsAdapter interface {
	Adapter
	// PrivateRooms reports whether Join and Leave must be called for them.
	PrivateRooms() bool
}

// Node is what an Adapter needs of the server that it serves.
type Node interface {
	// Tag is the first four characters of the ids of all of this node's sockets.
	Tag() string
	// Deliver sends b to this node's sockets that b addresses. It does not block.
	// It refuses what is not well formed, with an error that names the reason; b
	// must not change afterwards.
	Deliver(b *Broadcast) error
	// HasSocket reports whether a broadcast to the room named by a socket id reaches
	// anybody here: that socket, or others that have joined a room of that name.
	HasSocket(namespace, id string) bool
	// Rooms calls f for each namespace and each room that Join has been told of and
	// that is still wanted; room is "" for the namespace itself. For re-subscribing.
	Rooms(f func(namespace, room string))
}

// Broadcast is one event for many sockets: those that are in any of Rooms and in
// none of Except. It is immutable once it is handed over.
type Broadcast struct {
	Namespace string
	// Rooms are the target rooms; none means every socket of the namespace.
	Rooms []string
	// Except are rooms whose members are left out; a socket id is a room.
	Except []string
	// Data is the JSON array of the event's name and its arguments, with a
	// placeholder object for each attachment, numbered from 0 in order.
	Data []byte
	// Attachments are the binary values, in the order of the placeholders.
	Attachments [][]byte
	// Volatile lets the event be dropped for a socket that can't be written to at
	// that moment.
	Volatile bool
	// NoCompress keeps compression off for this event.
	NoCompress bool
	// Local keeps the event on this node; adapters do not see such a Broadcast.
	Local bool
	// Confirm, if not nil, is called once by an adapter whose Broadcast returned nil: with
	// nil when the event has left the node for certain, otherwise with the reason. See
	// Emitter.Confirm. It does not travel.
	Confirm func(error)
}
