package redis

import (
	"sync/atomic"
	"time"
)

// Reason says why a message from the bus was not delivered. The texts are stable: they
// are label values of metrics.
type Reason string

// The reasons.
const (
	// DropMalformed: the payload does not decode.
	DropMalformed Reason = "malformed"
	// DropTooDeep: its data is nested deeper than 128 levels.
	DropTooDeep Reason = "too deep"
	// DropTooLarge: it is larger than Config.MaxMessageBytes.
	DropTooLarge Reason = "too large"
	// DropNotEvent: it is a packet of another type than EVENT, or no packet.
	DropNotEvent Reason = "not an event"
	// DropNamespace: it is for another namespace than its channel.
	DropNamespace Reason = "namespace mismatch"
	// DropRooms: it came by a room's channel, and is for other rooms.
	DropRooms Reason = "room mismatch"
	// DropUnknownChannel: nobody here wants the channel (any more). Normal when a
	// room has just been left.
	DropUnknownChannel Reason = "unknown channel"
	// DropNoSocket: it came by the pattern for private rooms, and no socket here
	// has that id (any more). Normal.
	DropNoSocket Reason = "no such socket"
	// DropForged: it bears this node's name, and this node has never sent as many.
	DropForged Reason = "forged sender"
	// DropRefused: the node did not accept it.
	DropRefused Reason = "refused"
	// DropPanic: handling it panicked. It is a bug; the log has the stack.
	DropPanic Reason = "panic"
)

var reasons = [...]Reason{DropMalformed, DropTooDeep, DropTooLarge, DropNotEvent, DropNamespace, DropRooms,
	DropUnknownChannel, DropNoSocket, DropForged, DropRefused, DropPanic}

func (r Reason) index() int {
	for i := range reasons {
		if reasons[i] == r {
			return i
		}
	}
	return 0
}

// Stats is what an Adapter has done since New, and how it is.
type Stats struct {
	// Published counts what Redis has accepted, PublishFailed what was queued and
	// failed, or of which it is not known whether Redis got it.
	Published, PublishFailed uint64
	// RefusedAway, RefusedFull and RefusedBad count emits that were not queued: Redis
	// was known to be away, the queue was full, or they can't be sent (ErrBadEvent).
	RefusedAway, RefusedFull, RefusedBad uint64
	// QueuedMessages and QueuedBytes are waiting to be published now.
	QueuedMessages, QueuedBytes int

	// Received counts all messages that arrived, and ReceivedBytes their payloads.
	Received, ReceivedBytes uint64
	// Delivered counts those that were handed to the node, Own those that this node
	// had sent itself, and Dropped the others.
	Delivered, Own uint64
	Dropped        map[Reason]uint64
	// Requests counts requests of other nodes. They are not answered yet.
	Requests uint64

	// Subscriptions is how many channels and patterns this node wants to hear, and
	// Pending how many of them Redis has not confirmed.
	Subscriptions, Pending int

	// Connected says that everything wanted is being heard, since ConnectedSince;
	// when it is not, DownSince says since when. Both are zero before the first time.
	Connected                 bool
	ConnectedSince, DownSince time.Time
	// CanPublish is false from a failed publish until Redis answers again.
	CanPublish bool
	// Gaps counts how often the subscriptions were lost, GapTotal for how long.
	Gaps     uint64
	GapTotal time.Duration
}

// counters are written from several goroutines.
type counters struct {
	published, publishFailed             atomic.Uint64
	queued                               atomic.Uint64 // ever
	refusedAway, refusedFull, refusedBad atomic.Uint64
	received, receivedBytes              atomic.Uint64
	delivered, own, requests             atomic.Uint64
	dropped                              [len(reasons)]atomic.Uint64
}

func (c *counters) read() Stats {
	s := Stats{
		Published: c.published.Load(), PublishFailed: c.publishFailed.Load(),
		RefusedAway: c.refusedAway.Load(), RefusedFull: c.refusedFull.Load(), RefusedBad: c.refusedBad.Load(),
		Received: c.received.Load(), ReceivedBytes: c.receivedBytes.Load(),
		Delivered: c.delivered.Load(), Own: c.own.Load(), Requests: c.requests.Load(),
		Dropped: make(map[Reason]uint64, len(reasons)),
	}
	for i, reason := range reasons {
		s.Dropped[reason] = c.dropped[i].Load()
	}
	return s
}
