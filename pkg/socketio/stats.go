package socketio

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/causeway-rt/causeway/internal/tally"
	"github.com/causeway-rt/causeway/pkg/engineio"
)

// Stats counts since the server began, but for the gauges, which say what is now.
type Stats struct {
	Engine engineio.Stats

	// Sockets are the connected sockets by namespace (gauge). Those of dynamic
	// namespaces are summed up under their rule's pattern, so that clients can't
	// make the map grow.
	Sockets map[string]int64
	// Rooms are the rooms that have members, but for those named by socket ids
	// (gauge), by namespace like Sockets.
	Rooms map[string]int64

	Connected   int64            // sockets that were connected
	Rejected    int64            // by middlewares, for want of a namespace, or for having too many
	Disconnects map[Reason]int64 // sockets that ended
	Refused     map[Reason]int64 // connections closed for what the client sent, or did not send

	PacketsIn     map[string]int64 // Socket.IO packets by kind
	Events        int64            // events given to handlers
	Unhandled     int64            // of these, events that no handler took
	EventsDropped int64            // events that waited, or came, when their socket had been ended
	InboxFull     int64            // times that a client was not read because of its handlers
	Throttled     int64            // times that a client was not read because of Config.MaxEventsPerSecond
	ThrottledFor  time.Duration    // how long, of all clients together
	Panics        int64            // of handlers

	// NamespacesRefused are those of Rejected that were one too many, for their
	// connection or for the server.
	NamespacesRefused int64

	Joins        int64 // rooms joined
	JoinsRefused int64 // joins refused because the socket was in Config.MaxRoomsPerSocket
	Emits        int64 // calls of Emit, to one socket or many
	Delivered    int64 // events taken by sessions: the fan-out of Emits and Heard
	// DeliveredSizes are the sizes of the events in Delivered, attachments included.
	DeliveredSizes engineio.Histogram
	// Waits are for how long events waited for their handlers, in nanoseconds: a sample
	// of about one event in 64.
	Waits engineio.Histogram
	Heard int64 // broadcasts of other nodes that were delivered

	AcksIn         int64 // acks of clients that were waited for
	AcksOut        int64 // acks sent to clients
	BadAcks        int64 // acks of clients that nobody waited for
	AckTimeouts    int64 // waits that ended by a deadline
	AcksRefused    int64 // waits refused because a socket owed Config.MaxPendingAcks
	DeliverRefused int64 // messages of other nodes that were not well formed

	Recovered int64 // sockets that have gone on with a session
	// RecoveryRefused are clients that could not, and got a new session, by reason: malformed,
	// unknown, user, forgotten, too_many, taken, unavailable.
	RecoveryRefused map[string]int64
	Replayed        int64 // events sent to sockets that have gone on with a session
	TakenOver       int64 // sockets that have ended as their session went on elsewhere
	// Announced are sockets that have ended with ReasonMissed, by cause: forgotten, diverged.
	Announced       map[string]int64
	PutOff          int64 // clients whose connection was closed, so that they try again, as the history did not answer
	WithoutSession  int64 // sockets that can't go on, as their session could not be saved
	SavedSessions   int64 // sessions that this node owns (gauge)
	VolatileSkipped int64 // volatile events not sent to a socket, as it had just got later ones
}

var kindNames = [...]string{"connect", "disconnect", "event", "ack", "connect_error", "binary_event", "binary_ack"}

// counters are the figures of Stats as they grow.
type counters struct {
	packetsIn [len(kindNames)]atomic.Int64
	endedBy   [len(reasons)]atomic.Int64
	refusedBy [len(reasons)]atomic.Int64

	connected, rejected                                    atomic.Int64
	eventsIn, unhandled, eventsDropped, inboxFull, panics  atomic.Int64
	joins, joinsRefused, emits, heard                      atomic.Int64
	acksIn, acksOut, badAcks, ackTimeouts, acksRefused     atomic.Int64
	deliverRefused                                         atomic.Int64
	throttled, throttledFor, namespacesRefused             atomic.Int64
	recovered, replayed, takenOver, withoutSession, putOff atomic.Int64
	forgotten, diverged, volatileSkipped                   atomic.Int64

	refusedBack [len(refusals)]atomic.Int64

	delivered *tally.Tally // bytes
	waits     *tally.Tally // nanoseconds
}

func (c *counters) init() {
	c.delivered = tally.New(engineio.SizeBounds...)
	var bounds []int64
	for d := 100 * time.Microsecond; d <= 10*time.Second; d *= 10 {
		bounds = append(bounds, int64(d), int64(3*d))
	}
	c.waits = tally.New(bounds...)
}

// deliver counts a packet that n sessions have taken.
func (c *counters) deliver(batch []*engineio.Message, n int) {
	size := 0
	for _, m := range batch {
		data, _ := m.Data()
		size += len(data)
	}
	c.delivered.Add(int64(size), int64(n))
}

func (c *counters) ended(r Reason)   { countReason(&c.endedBy, r) }
func (c *counters) refused(r Reason) { countReason(&c.refusedBy, r) }

func (c *counters) refusedRecovery(why refusal) {
	c.refusedBack[slices.Index(refusals[:], why)].Add(1)
}

func countReason(by *[len(reasons)]atomic.Int64, r Reason) {
	for i, known := range reasons {
		if r == known {
			by[i].Add(1)
			return
		}
	}
}

// Stats returns the server's figures. They are read one by one, not all at the
// same instant.
func (s *Server) Stats() Stats {
	c := &s.counters
	delivered := c.delivered.Read()
	st := Stats{
		Delivered: delivered.Total(), DeliveredSizes: delivered, Waits: c.waits.Read(),
		Sockets: make(map[string]int64), Rooms: make(map[string]int64),
		Disconnects: make(map[Reason]int64), Refused: make(map[Reason]int64), PacketsIn: make(map[string]int64),
		Connected: c.connected.Load(), Rejected: c.rejected.Load(),
		Events: c.eventsIn.Load(), Unhandled: c.unhandled.Load(), EventsDropped: c.eventsDropped.Load(),
		InboxFull: c.inboxFull.Load(),
		Throttled: c.throttled.Load(), ThrottledFor: time.Duration(c.throttledFor.Load()), NamespacesRefused: c.namespacesRefused.Load(), Panics: c.panics.Load(),
		Joins: c.joins.Load(), JoinsRefused: c.joinsRefused.Load(), Emits: c.emits.Load(), Heard: c.heard.Load(),
		AcksIn: c.acksIn.Load(), AcksOut: c.acksOut.Load(), BadAcks: c.badAcks.Load(),
		AckTimeouts: c.ackTimeouts.Load(), AcksRefused: c.acksRefused.Load(), DeliverRefused: c.deliverRefused.Load(),
		Recovered: c.recovered.Load(), Replayed: c.replayed.Load(), TakenOver: c.takenOver.Load(), WithoutSession: c.withoutSession.Load(), PutOff: c.putOff.Load(),
		VolatileSkipped: c.volatileSkipped.Load(), RecoveryRefused: make(map[string]int64),
		Announced: map[string]int64{"forgotten": c.forgotten.Load(), "diverged": c.diverged.Load()},
	}
	if s.engine != nil {
		st.Engine = s.engine.Stats()
	}
	for i, name := range kindNames {
		st.PacketsIn[name] = c.packetsIn[i].Load()
	}
	for i, r := range reasons {
		st.Disconnects[r] = c.endedBy[i].Load()
		st.Refused[r] = c.refusedBy[i].Load()
	}
	for i, why := range refusals {
		st.RecoveryRefused[string(why)] = c.refusedBack[i].Load()
	}
	for _, n := range s.allNamespaces() {
		st.SavedSessions += n.recovery.count()
		label := n.name
		if n.parent != nil {
			label = n.parent.label
		}
		sockets, rooms := n.rooms.sizes()
		st.Sockets[label] += int64(sockets)
		st.Rooms[label] += int64(rooms)
	}
	return st
}
