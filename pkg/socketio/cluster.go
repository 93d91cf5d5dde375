package socketio

import (
	"context"
	"encoding/json"
)

// ClusterAdapter is an Adapter that carries questions as well. A Server finds out
// by assertion, once; without one its answers are those of this node. Every method
// is about the other nodes only: the Server does its own part, either itself or in
// the function that it hands over.
type ClusterAdapter interface {
	Adapter
	// BroadcastWithAck is Broadcast for an event that asks for acks. It calls acked,
	// from any goroutine, for each ack of another node's socket, and returns when
	// all of them have come or ctx has ended; acked is not called afterwards.
	BroadcastWithAck(ctx context.Context, b *Broadcast, deliver func(), acked func(Ack)) error
	// FetchSockets returns the sockets of other nodes that t addresses. With an
	// error it returns those that it has got.
	FetchSockets(ctx context.Context, t Target) ([]SocketInfo, error)
	// Change has the other nodes change the sockets that it addresses. It returns
	// when the change is on its way.
	Change(ctx context.Context, c *Change) error
	// ServerSideEmit hands an event to the programs of the other nodes. If acked is
	// not nil it is called for each node's answer as in BroadcastWithAck, and
	// ServerSideEmit returns when all have come or ctx has ended.
	ServerSideEmit(ctx context.Context, e *ServerEvent, acked func(Ack)) error
}

// ClusterNode is a Node that answers what a ClusterAdapter asks. The Node that a
// Server gives to Run is one. No method blocks, and each refuses what is not well
// formed with an error that names the reason.
type ClusterNode interface {
	Node
	// DeliverWithAck is Deliver for an event that asks for acks. It returns to how
	// many sockets it has sent; acked is called for each ack, from any goroutine and
	// possibly before DeliverWithAck returns, until ctx ends: ctx must have an end,
	// and acked must not block.
	DeliverWithAck(ctx context.Context, b *Broadcast, acked func(Ack)) (sockets int, err error)
	// Sockets returns this node's sockets that t addresses.
	Sockets(t Target) ([]SocketInfo, error)
	// Change begins to change this node's sockets that c addresses.
	Change(c *Change) error
	// ServerEvent hands e to this node's listeners. reply is nil if no answer is
	// wanted; otherwise it is called at most once, from any goroutine.
	ServerEvent(e *ServerEvent, reply func(Ack)) error
}

// Target names sockets of a namespace: those in any of Rooms, or all if there are
// none, and in none of Except.
type Target struct {
	Namespace     string
	Rooms, Except []string
}

// Ack is the arguments of an ack on their way between nodes: a JSON array with
// placeholders, and the attachments.
type Ack struct {
	Data        []byte
	Attachments [][]byte
}

// SocketInfo describes a socket to other nodes, in the reference's terms.
type SocketInfo struct {
	ID        string          `json:"id"`
	Handshake json.RawMessage `json:"handshake"`
	Rooms     []string        `json:"rooms"`
	Data      json.RawMessage `json:"data"`
}

// Change is something that is done to sockets.
type Change struct {
	Target
	Kind ChangeKind
	// ChangeRooms are joined or left.
	ChangeRooms []string
	// Close also ends the connections of sockets that are disconnected.
	Close bool
	// Confirm is as Broadcast.Confirm, for an adapter whose Change returned nil.
	Confirm func(error)
}

// ChangeKind says what a Change does.
type ChangeKind byte

// What a Change does.
const (
	ChangeJoin ChangeKind = iota
	ChangeLeave
	ChangeDisconnect
)

// ServerEvent is an event from the program on one node to those on others.
type ServerEvent struct {
	Namespace string
	// Data is the JSON array of the event's name and its arguments.
	Data        []byte
	Attachments [][]byte
}
