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
	// DropUnknownRequest: a request of no known type.
	DropUnknownRequest Reason = "unknown request"
	// DropBusy: a request that came while too many others waited. It is not
	// answered, and who asks gets a partial result.
	DropBusy Reason = "busy"
	// DropLate: an answer to a question that this node does not ask any more, or
	// never has. Normal after a wait that ended early.
	DropLate Reason = "late answer"
	// DropSurplus: an answer beyond those that a question expects, a second one of
	// the same node for example.
	DropSurplus Reason = "surplus answer"
	// DropOffset: the id of an event of a history is malformed, or ahead of Redis's clock.
	DropOffset Reason = "offset"
	// DropPanic: handling it panicked. It is a bug; the log has the stack.
	DropPanic Reason = "panic"
)

var reasons = [...]Reason{DropMalformed, DropTooDeep, DropTooLarge, DropNotEvent, DropNamespace, DropRooms,
	DropUnknownChannel, DropNoSocket, DropForged, DropRefused,
	DropUnknownRequest, DropBusy, DropLate, DropSurplus, DropOffset, DropPanic}

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
	// Published counts what Redis has accepted, PublishFailed what was queued and has
	// certainly not been published, and PublishUnknown what was sent and never
	// answered: it may have been published or not, and is not sent again.
	Published, PublishFailed, PublishUnknown uint64
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
	// Requests counts the requests of other nodes and of emitters that were carried
	// out, ResponsesSent the answers, and AcksGivenUp the broadcasts whose acks were
	// not waited for because too many were.
	Requests, ResponsesSent, AcksGivenUp uint64
	// Questions is how many questions of this node wait for answers now, RefusedBusy
	// how many were refused with ErrBusy. Responses counts the answers taken, and
	// ResponsesOfOthers those that were heard, but not asked for here.
	Questions                                 int
	RefusedBusy, Responses, ResponsesOfOthers uint64

	// Subscriptions is how many channels and patterns this node wants to hear, and
	// Pending how many of them Redis has not confirmed.
	Subscriptions, Pending int

	// Connected says that everything wanted is being heard, since ConnectedSince;
	// when it is not, DownSince says since when. Both are zero before the first time.
	Connected                 bool
	ConnectedSince, DownSince time.Time
	// ProvenUntil is a moment until which nothing is missing that Redis had for this
	// node since ConnectedSince. It is the zero time before the first connection.
	ProvenUntil time.Time
	// FormerEnded counts the connections of this node that Redis still had after they
	// were replaced, and that this node has ended.
	FormerEnded uint64
	// Gaps counts the times that the subscriptions were lost, and GapTotal sums up how
	// long emits of other nodes may not have been heard, the gap of now included. A
	// gap begins with the last moment that a probe has proven, so it is rather too
	// long than too short.
	Gaps     uint64
	GapTotal time.Duration

	// CanPublish is false from a failed publish until Redis answers again;
	// PublishDownSince says since when.
	CanPublish       bool
	PublishDownSince time.Time
	// PublishGaps and PublishGapTotal are the same as Gaps and GapTotal for what this
	// node publishes: a gap begins with the first message that failed.
	PublishGaps     uint64
	PublishGapTotal time.Duration

	// Probes counts the probes that came back, ProbeTime says how long the last one
	// took, and StrayProbes counts what came by their channel and was none of them,
	// or too late.
	Probes, StrayProbes uint64
	ProbeTime           time.Duration

	// HistoryEvents and HistoryBytes are how many entries the histories of the namespaces that this
	// node uses have, and what they cost Redis, as they were measured last. Every node that
	// uses a namespace counts all of it.
	HistoryEvents, HistoryBytes int64
	// Doubted is for how many namespaces this node is reading what it may have missed, now.
	Doubted int
	// CatchUps counts how often it has begun to, and CaughtUp the events that were delivered so.
	// Deferred counts those that came by the bus meanwhile and were left to that, and Repeated
	// those that came a second time.
	CatchUps, CaughtUp, Deferred, Repeated uint64
	// MissedAnnounced counts how often events could not be had any more, and a namespace's sockets
	// were told so.
	MissedAnnounced uint64
}

// counters are written from several goroutines.
type counters struct {
	published, publishFailed             atomic.Uint64
	publishUnknown                       atomic.Uint64
	probesSent, probes, strayProbes      atomic.Uint64
	probeTime                            atomic.Int64
	queued                               atomic.Uint64 // ever
	refusedAway, refusedFull, refusedBad atomic.Uint64
	refusedBusy, acksGivenUp             atomic.Uint64
	responses, responsesOfOthers         atomic.Uint64
	responsesSent, formerEnded           atomic.Uint64
	received, receivedBytes              atomic.Uint64
	delivered, own, requests             atomic.Uint64
	catchUps, caughtUp                   atomic.Uint64
	deferred, repeated, missedAnnounced  atomic.Uint64
	dropped                              [len(reasons)]atomic.Uint64
}

func (c *counters) read() Stats {
	s := Stats{
		Published: c.published.Load(), PublishFailed: c.publishFailed.Load(), PublishUnknown: c.publishUnknown.Load(),
		Probes: c.probes.Load(), StrayProbes: c.strayProbes.Load(), ProbeTime: time.Duration(c.probeTime.Load()),
		RefusedAway: c.refusedAway.Load(), RefusedFull: c.refusedFull.Load(), RefusedBad: c.refusedBad.Load(),
		Received: c.received.Load(), ReceivedBytes: c.receivedBytes.Load(),
		Delivered: c.delivered.Load(), Own: c.own.Load(), Requests: c.requests.Load(),
		FormerEnded: c.formerEnded.Load(), ResponsesSent: c.responsesSent.Load(), AcksGivenUp: c.acksGivenUp.Load(), RefusedBusy: c.refusedBusy.Load(),
		Responses: c.responses.Load(), ResponsesOfOthers: c.responsesOfOthers.Load(),
		CatchUps: c.catchUps.Load(), CaughtUp: c.caughtUp.Load(), Deferred: c.deferred.Load(), Repeated: c.repeated.Load(),
		MissedAnnounced: c.missedAnnounced.Load(),
		Dropped:         make(map[Reason]uint64, len(reasons)),
	}
	for i, reason := range reasons {
		s.Dropped[reason] = c.dropped[i].Load()
	}
	return s
}

// add adds what o counts.
func (s *Stats) add(o Stats) {
	for _, pair := range [...]struct {
		sum *uint64
		n   uint64
	}{
		{&s.Published, o.Published}, {&s.PublishFailed, o.PublishFailed}, {&s.PublishUnknown, o.PublishUnknown},
		{&s.RefusedAway, o.RefusedAway}, {&s.RefusedFull, o.RefusedFull}, {&s.RefusedBad, o.RefusedBad},
		{&s.Received, o.Received}, {&s.ReceivedBytes, o.ReceivedBytes}, {&s.Delivered, o.Delivered}, {&s.Own, o.Own},
		{&s.Requests, o.Requests}, {&s.ResponsesSent, o.ResponsesSent}, {&s.AcksGivenUp, o.AcksGivenUp},
		{&s.RefusedBusy, o.RefusedBusy}, {&s.Responses, o.Responses}, {&s.ResponsesOfOthers, o.ResponsesOfOthers},
		{&s.FormerEnded, o.FormerEnded}, {&s.Gaps, o.Gaps}, {&s.PublishGaps, o.PublishGaps}, {&s.Probes, o.Probes}, {&s.StrayProbes, o.StrayProbes},
		{&s.CatchUps, o.CatchUps}, {&s.CaughtUp, o.CaughtUp}, {&s.Deferred, o.Deferred}, {&s.Repeated, o.Repeated},
		{&s.MissedAnnounced, o.MissedAnnounced},
	} {
		*pair.sum += pair.n
	}
	s.GapTotal += o.GapTotal
	s.PublishGapTotal += o.PublishGapTotal
	if s.Dropped == nil {
		s.Dropped = make(map[Reason]uint64, len(reasons))
	}
	for reason, n := range o.Dropped {
		s.Dropped[reason] += n
	}
}

// join adds the figures of another server, the first or a further one. Together they are
// as well as the worst of them.
func (s *Stats) join(o Stats, first bool) {
	s.add(o)
	s.QueuedMessages += o.QueuedMessages
	s.QueuedBytes += o.QueuedBytes
	s.Subscriptions += o.Subscriptions
	s.Pending += o.Pending
	s.HistoryEvents += o.HistoryEvents
	s.HistoryBytes += o.HistoryBytes
	s.Doubted += o.Doubted
	s.ProbeTime = max(s.ProbeTime, o.ProbeTime)
	s.Connected = o.Connected && (first || s.Connected)
	s.CanPublish = o.CanPublish && (first || s.CanPublish)
	if o.ConnectedSince.After(s.ConnectedSince) {
		s.ConnectedSince = o.ConnectedSince
	}
	if first || o.ProvenUntil.Before(s.ProvenUntil) {
		s.ProvenUntil = o.ProvenUntil
	}
	s.DownSince = earlier(s.DownSince, o.DownSince)
	s.PublishDownSince = earlier(s.PublishDownSince, o.PublishDownSince)
	if !s.Connected {
		s.ConnectedSince = time.Time{}
	}
}

// earlier returns the first of two times, of which one that is zero does not count.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
