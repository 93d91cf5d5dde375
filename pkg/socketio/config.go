package socketio

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

// Config says how a Server behaves. The zero value serves this node alone, with
// the reference's timings and the limits named below. A limit bounds what one
// client can make the server hold, or do; those on what it holds can't be switched off.
type Config struct {
	// Engine configures the sessions below. Its OnSession must be nil: the
	// Server sets it.
	Engine engineio.Config
	// ConnectTimeout is how long a client may take to join its first namespace.
	// 0 means 45 s.
	ConnectTimeout time.Duration
	// Adapter carries broadcasts to other nodes; Run must be called then. nil
	// means that there are none.
	Adapter Adapter
	// Recovery says for how long a client of a namespace may be away, and still get all that
	// it missed. It is asked when a namespace opens, and must not call the Server. nil means
	// that no client can recover. Otherwise Adapter, if there is one, must be a HistoryAdapter.
	// Without one the history is in memory: the events of twice the Window, but no more than
	// 1,000,000 and 64 MiB for each namespace, and 200,000 sessions.
	Recovery func(namespace string) Recovery
	// Logger takes handler panics and the adapter's failures. nil means
	// slog.Default().
	Logger *slog.Logger

	// MaxAttachments bounds the binary values of one packet from a client. 0 means
	// 10, which is what the official clients accept from a server.
	MaxAttachments int
	// MaxNamespaces bounds the namespaces of one connection, those being joined
	// included. 0 means 16.
	MaxNamespaces int
	// MaxRoomsPerSocket does not count the room named by the socket's id. 0 means 128.
	MaxRoomsPerSocket int
	// MaxPendingAcks bounds the acks that one socket owes. 0 means 1,000.
	MaxPendingAcks int
	// MaxNameBytes bounds the names of events, rooms and namespaces. 0 means 256.
	MaxNameBytes int
	// MaxAuthBytes bounds the auth object of a CONNECT, which is kept as long as its
	// socket: a client that sends more is disconnected. 0 means 65,536.
	MaxAuthBytes int
	// MaxRefusals is how many times one connection may be refused a namespace: it is
	// closed with the last refusal, so that a client can't go on trying tokens. 0 means 16.
	MaxRefusals int
	// MaxEventsPerSecond bounds how fast one connection is read, by what it sends: events,
	// CONNECT and DISCONNECT packets, and acks that nobody waits for, of all its namespaces
	// together. One that sends more is not closed: it is not read for a while, and what it has
	// sent waits in the network. Its pong waits there too, so that a client which never
	// stops ends by the ping timeout. 0 means no bound.
	MaxEventsPerSecond int
	// EventBurst is how many events may come at once after a rest. 0 means those of two
	// seconds.
	EventBurst int
	// MaxArgs bounds the arguments of one event or ack. 0 means 1,000.
	MaxArgs int
	// MaxDepth bounds the nesting of an event's or an ack's arguments, and of auth
	// objects, the array around the arguments included. 0 means 128, and more than 1,024
	// is refused.
	MaxDepth int
	// InboxSize is how many events of one connection may wait for its handlers
	// before the connection is no longer read; so many bytes as one message may have
	// stop it as well. A client's pong waits behind its events then: one whose handlers
	// hold it back for longer than the ping timeout is disconnected. 0 means 64.
	InboxSize int
	// MaxOpenNamespaces bounds the namespaces of the server. When it is reached
	// clients can open no more dynamic ones; Of is not bounded. 0 means 10,000.
	MaxOpenNamespaces int

	// ForgetAuth drops the auth object of a socket once its middlewares have decided:
	// Handshake.Auth is nil from then on, and other nodes are not shown it. For auth
	// objects that hold a secret, or are large.
	ForgetAuth bool
	// LeaveUnknownServerEvents leaves another node's question unanswered if no
	// OnServerSide function is there for it, as the reference does: whoever asks
	// waits until its time is up. Otherwise it is answered, with nothing.
	LeaveUnknownServerEvents bool
	// CleanupEmptyNamespaces removes a dynamic namespace when its last socket leaves,
	// with what was registered on it and not on its DynamicNamespace.
	// Without it clients can use up MaxOpenNamespaces by asking for one after the
	// other, if the rules match that many names.
	CleanupEmptyNamespaces bool
}

// withDefaults returns the configuration with zero values replaced, or says
// which value is impossible.
func (c Config) withDefaults() (Config, error) {
	if c.Engine.OnSession != nil {
		return c, fmt.Errorf("socketio: Config.Engine.OnSession is set: it is the server's own")
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 45 * time.Second
	}
	if c.ConnectTimeout < time.Millisecond {
		return c, fmt.Errorf("socketio: Config.ConnectTimeout is %v: at least 1ms", c.ConnectTimeout)
	}
	if c.Engine.MaxPayload == 0 {
		c.Engine.MaxPayload = 1_000_000 // it bounds the attachments of a packet as well
	}
	if _, ok := c.Adapter.(HistoryAdapter); c.Recovery != nil && c.Adapter != nil && !ok {
		return c, fmt.Errorf("socketio: Config.Recovery needs an adapter that is a HistoryAdapter: %T is none", c.Adapter)
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	for _, limit := range []struct {
		name  string
		value *int
		unset int
	}{
		{"MaxAttachments", &c.MaxAttachments, 10},
		{"MaxNamespaces", &c.MaxNamespaces, 16},
		{"MaxRoomsPerSocket", &c.MaxRoomsPerSocket, 128},
		{"MaxPendingAcks", &c.MaxPendingAcks, 1000},
		{"MaxNameBytes", &c.MaxNameBytes, 256},
		{"MaxAuthBytes", &c.MaxAuthBytes, 1 << 16},
		{"MaxRefusals", &c.MaxRefusals, 16},
		{"MaxEventsPerSecond", &c.MaxEventsPerSecond, 0},
		{"EventBurst", &c.EventBurst, 2 * c.MaxEventsPerSecond},
		{"MaxArgs", &c.MaxArgs, 1000},
		{"MaxDepth", &c.MaxDepth, 128},
		{"InboxSize", &c.InboxSize, 64},
		{"MaxOpenNamespaces", &c.MaxOpenNamespaces, 10_000},
	} {
		if *limit.value < 0 {
			return c, fmt.Errorf("socketio: Config.%s is %d: at least 1", limit.name, *limit.value)
		}
		if *limit.value == 0 {
			*limit.value = limit.unset
		}
	}
	if c.MaxDepth > maxNesting {
		return c, fmt.Errorf("socketio: Config.MaxDepth is %d: at most %d", c.MaxDepth, maxNesting)
	}
	return c, nil
}
