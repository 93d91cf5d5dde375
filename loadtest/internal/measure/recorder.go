package measure

import (
	"math/bits"
	"runtime"
	"sync"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// Recorder takes down what happens in a test. All methods may be called from any
// goroutine.
type Recorder struct {
	// Immutable.
	start  time.Time
	shards []shard
	shift  int // of a hashed number, to get that of a shard

	errors errorClasses

	mu sync.Mutex
	// Guarded by mu.
	last    time.Time                  // end of the last interval
	sums    sums                       // of all intervals
	phases  []phase                    // by number
	current int                        // the last interval's phase
	scratch [metrics]*result.Histogram // empty between cuts
	servers map[int]result.Sample      // by index: the last that was known of each
}

// NewRecorder returns a Recorder of a test that began at start. It takes 1.4 MB of
// address space for each core, of which what is used becomes memory: some 4 KiB for
// each doubling of the times that occur.
func NewRecorder(start time.Time) *Recorder {
	n := shardCount(runtime.GOMAXPROCS(0))
	r := &Recorder{
		start:   start,
		shards:  make([]shard, n),
		shift:   32 - bits.TrailingZeros(uint(n)),
		last:    start,
		servers: map[int]result.Sample{},
	}
	for m := range r.scratch {
		r.scratch[m] = result.NewHistogram()
	}
	return r
}

// shardCount is a power of two. With four shards for each core, two clients that are at
// work at once are in the same one in a quarter of all cases or less.
func shardCount(cores int) int {
	return 1 << bits.Len(uint(min(4*cores, 64)-1))
}

// Latency adds a time to a metric's histogram. shard is any number that is likely to be
// another one for those that record at the same time, such as the client's.
func (r *Recorder) Latency(m Metric, shard int, d time.Duration) {
	r.shard(shard).times[m].record(d)
}

// Add adds n to a counter. shard is as for Latency.
func (r *Recorder) Add(c Counter, shard int, n int64) {
	r.shard(shard).counts[c].Add(n)
}

// shard spreads numbers by a multiplication: those that clients at work at the same
// time have may be all even, or a hundred apart.
func (r *Recorder) shard(n int) *shard {
	return &r.shards[uint32(n)*0x9e3779b1>>r.shift]
}
