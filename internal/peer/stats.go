package peer

import (
	"sync/atomic"
	"time"
)

// failure is why a request was not answered by another node.
type failure int

const (
	failUnknown failure = iota // no node has the tag
	failDown                   // nobody listened at its address a moment ago
	failDial                   // nobody listens there, or not within dialTimeout
	failRefused                // what answered was no peer, or one with another key
	failBroken                 // the connection ended before an answer
	failGone                   // the node left the cluster while it was asked
	failClient                 // the client went before there was an answer
	failures
	failNone failure = -1
)

var failureNames = [failures]string{"unknown_node", "down", "unreachable", "refused", "broken", "gone", "client_gone"}

// The kinds of forwarded requests.
const (
	kindGet = iota
	kindPost
	kindUpgrade
	kindOther
	kinds
)

var kindNames = [kinds]string{"get", "post", "upgrade", "other"}

// registryCounters are a Registry's figures.
type registryCounters struct {
	renewFailures, lookFailures, badEntries, taken atomic.Int64
}

// RegistryStats counts since the registry was joined, but for Nodes.
type RegistryStats struct {
	Nodes         int   // gauge: nodes of the cluster that this one knows, itself included
	RenewFailures int64 // times that the own entry could not be written
	LookFailures  int64 // times that the others' entries could not be read
	BadEntries    int64 // entries of others that made no sense
	Taken         int64 // times that another node had this node's tag
}

// Stats returns the figures of now.
func (r *Registry) Stats() RegistryStats {
	r.mu.Lock()
	n := len(r.copy.known) + 1
	r.mu.Unlock()
	s := &r.stats
	return RegistryStats{n, s.renewFailures.Load(), s.lookFailures.Load(), s.badEntries.Load(), s.taken.Load()}
}

// State says how this node's claim to its tag is: ok, unclaimed until the store has
// confirmed it, stale when it has not been renewed for the time after which others
// forget this node, or taken. A node may serve while it is ok or stale.
func (r *Registry) State() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.taken:
		return "taken"
	case !r.claimed:
		return "unclaimed"
	case time.Since(r.renewed) > r.cfg.TTL:
		return "stale"
	}
	return "ok"
}

// forwardCounters are a Forwarder's figures.
type forwardCounters struct {
	forwarded [kinds]atomic.Int64
	failed    [failures]atomic.Int64
}

// ForwardStats counts since the Forwarder began, but for the gauges. The keys of the
// maps are fixed.
type ForwardStats struct {
	Forwarded map[string]int64 // requests that their session's owner answered, by kind
	Failed    map[string]int64 // requests that it did not, by reason

	UnderWay      int   // gauge: forwarded polls and posts without an answer yet
	Tunnels       int   // gauge: WebSockets whose session is elsewhere
	TunnelsOpened int64 //
	TunnelBytes   int64 // both ways together
	TunnelStalls  int64 // times that one side of a tunnel took no more
	TunnelsCut    int64 // tunnels ended because one side stalled, or did not end after the other
}

// Stats returns the figures of now.
func (f *Forwarder) Stats() ForwardStats {
	out := ForwardStats{Forwarded: map[string]int64{}, Failed: map[string]int64{}, UnderWay: f.pending(), Tunnels: f.relays.count()}
	for i, name := range kindNames {
		out.Forwarded[name] = f.stats.forwarded[i].Load()
	}
	for i, name := range failureNames {
		out.Failed[name] = f.stats.failed[i].Load()
	}
	s := &f.relays.stats
	out.TunnelsOpened, out.TunnelBytes, out.TunnelStalls, out.TunnelsCut = s.opened.Load(), s.bytes.Load(), s.stalls.Load(), s.cut.Load()
	return out
}
