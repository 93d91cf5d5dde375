package measure

import (
	"sync/atomic"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// Metric is a kind of times, each with a histogram.
type Metric int

// The metrics, as in result.Latency.
const (
	Connect Metric = iota
	Ack
	Delivery
	Reconnect
	metrics
)

// Counter is a count, one for each field of result.Counts, with the same meaning.
type Counter int

// The counters.
const (
	Attempts Counter = iota
	Connected
	ConnectErrors
	Disconnects
	Cuts
	SlowClosed
	Reconnects
	ReconnectErrors
	Joins
	Leaves
	Refused
	Published
	Unsent
	Requests
	Acks
	AckTimeouts
	Received
	BytesIn
	BytesOut
	counters
)

// shard is what is written to in one interval, by the clients that share it.
type shard struct {
	counts [counters]atomic.Int64
	_      [64]byte // keeps the histograms out of the counters' cache line
	times  [metrics]times
}

// segment is the buckets of one doubling: a page of memory.
const segment = 1024

// times is a histogram that many may record into at once. A bucket holds 4 billion of
// one interval.
type times struct {
	used    atomic.Uint32 // a bit for each segment that was ever written to
	_       [60]byte
	buckets [result.Buckets]atomic.Uint32
}

func (t *times) record(d time.Duration) {
	bucket := result.Bucket(d)
	t.buckets[bucket].Add(1)
	if bit := uint32(1) << (bucket / segment); t.used.Load()&bit == 0 {
		t.used.Or(bit)
	}
}

// drain moves what was recorded to h. A time that is recorded meanwhile is moved now or
// by the next call.
func (t *times) drain(h *result.Histogram) {
	used := t.used.Load()
	for s := range result.Buckets / segment {
		if used&(1<<s) == 0 {
			continue
		}
		for bucket := s * segment; bucket < (s+1)*segment; bucket++ {
			if t.buckets[bucket].Load() != 0 {
				h.Add(bucket, int64(t.buckets[bucket].Swap(0)))
			}
		}
	}
}
