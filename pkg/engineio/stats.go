package engineio

import (
	"sync/atomic"
	"time"

	"github.com/causeway-rt/causeway/internal/tally"
)

// Histogram counts values by size.
type Histogram = tally.Classes

// SizeBounds are those of the histograms of sizes, in bytes.
var SizeBounds = []int64{64, 256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10}

// Stats counts since the server began, but for the gauges, which say what is now. A
// reason that has not occurred may be absent from its map.
type Stats struct {
	Sessions   map[Transport]int // gauge: open sessions
	QueueBytes int64             // gauge: waiting for all clients together
	Parked     int               // gauge: connections without a reader

	Opened map[Transport]int64
	Closed map[Reason]int64
	// Rejected counts requests that were refused, and payloads and frames that broke
	// the protocol, by reason. The set of reasons is fixed.
	Rejected map[string]int64

	Upgrades       int64
	UpgradesFailed int64

	PacketsIn, PacketsOut map[Transport]int64
	BytesIn, BytesOut     map[Transport]int64 // without HTTP and WebSocket headers on the way in

	// SizesIn are the sizes of the packets in PacketsIn.
	SizesIn map[Transport]Histogram
	// Lifetimes are how long ended sessions were there, in nanoseconds.
	Lifetimes Histogram

	VolatileDropped int64 // batches
	SlowClosed      int64 // sessions
	Stalls          int64 // times that a kernel buffer was full
}

// Open is the number of open sessions, whatever carries them.
func (s Stats) Open() (n int) {
	for _, of := range s.Sessions {
		n += of
	}
	return n
}

// counters are the server's figures.
type counters struct {
	opened, packetsOut, bytesOut [2]atomic.Int64 // by transportIndex
	sizesIn                      [2]*tally.Tally // likewise
	lifetimes                    *tally.Tally    // nanoseconds

	upgrades, upgradesFailed, volatileDropped, slow, stalls atomic.Int64

	closedBy   [len(reasons)]atomic.Int64
	rejectedBy [rejections]atomic.Int64
}

var reasons = [...]Reason{ReasonTransportClose, ReasonTransportError, ReasonPingTimeout, ReasonParseError, ReasonForcedClose, ReasonSlow, ReasonShutdown, "other"}

func transportIndex(t Transport) int {
	if t == WebSocket {
		return 1
	}
	return 0
}

func (c *counters) init() {
	for i := range c.sizesIn {
		c.sizesIn[i] = tally.New(SizeBounds...)
	}
	var bounds []int64
	for _, d := range [...]time.Duration{time.Second, 10 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 8 * time.Hour, 24 * time.Hour} {
		bounds = append(bounds, int64(d))
	}
	c.lifetimes = tally.New(bounds...)
}

// in counts one packet.
func (c *counters) in(t Transport, bytes int) { c.sizesIn[transportIndex(t)].Add(int64(bytes), 1) }

func (c *counters) out(t Transport, packets, bytes int) {
	i := transportIndex(t)
	c.packetsOut[i].Add(int64(packets))
	c.bytesOut[i].Add(int64(bytes))
}

func (c *counters) closed(r Reason) {
	for i, known := range reasons {
		if r == known || i == len(reasons)-1 {
			c.closedBy[i].Add(1)
			return
		}
	}
}

func (c *counters) rejected(why rejection) { c.rejectedBy[why].Add(1) }

// Stats returns the figures of now. It looks at every session: call it for a scrape,
// not for each message.
func (s *Server) Stats() Stats {
	c := &s.stats
	byTransport := func(v *[2]atomic.Int64) map[Transport]int64 {
		return map[Transport]int64{Polling: v[0].Load(), WebSocket: v[1].Load()}
	}
	out := Stats{
		Sessions: map[Transport]int{Polling: 0, WebSocket: 0},
		Opened:   byTransport(&c.opened), Closed: map[Reason]int64{}, Rejected: map[string]int64{},
		Upgrades: c.upgrades.Load(), UpgradesFailed: c.upgradesFailed.Load(),
		PacketsIn: map[Transport]int64{}, BytesIn: map[Transport]int64{}, SizesIn: map[Transport]Histogram{}, Lifetimes: c.lifetimes.Read(),
		PacketsOut: byTransport(&c.packetsOut), BytesOut: byTransport(&c.bytesOut),
		VolatileDropped: c.volatileDropped.Load(), SlowClosed: c.slow.Load(), Stalls: c.stalls.Load(),
	}
	for _, t := range [...]Transport{Polling, WebSocket} {
		sizes := c.sizesIn[transportIndex(t)].Read()
		out.SizesIn[t], out.PacketsIn[t], out.BytesIn[t] = sizes, sizes.Total(), sizes.Sum
	}
	for _, f := range s.flushers {
		out.PacketsOut[WebSocket] += f.messages.Load()
		out.BytesOut[WebSocket] += f.bytes.Load()
	}
	for i, r := range reasons {
		out.Closed[r] = c.closedBy[i].Load()
	}
	for i := range c.rejectedBy {
		out.Rejected[rejection(i).String()] = c.rejectedBy[i].Load()
	}
	if s.parking != nil {
		out.Parked = s.parking.parked()
	}
	for _, sess := range s.all() {
		sess.mu.Lock()
		if sess.state == stateOpen {
			out.Sessions[sess.transport()]++
			out.QueueBytes += int64(sess.queueBytes)
		}
		sess.mu.Unlock()
	}
	return out
}
