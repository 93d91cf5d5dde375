package result

import (
	"math/bits"
	"time"
)

// The histograms' range, in microseconds, and precision. Longer times are recorded
// as the longest.
const (
	shortest = 1
	longest  = int64(10 * time.Minute / time.Microsecond)
	digits   = 3
)

// Up to 2,048 µs every microsecond has a bucket of its own; from there on, each
// doubling of the time has 1,024 of them. These are HdrHistogram's buckets for the
// range and precision above, so that its other implementations read our files.
const (
	halfBits = 10
	half     = 1 << halfBits
	doubling = 19 // of 2,048 µs, until longest is below

	// Buckets is how many there are.
	Buckets = (doubling + 2) * half
)

// Bucket is the number of the bucket that d falls into. Less than 1 µs, or less than
// nothing, counts as none; what is longer than 10 min as 10 min.
func Bucket(d time.Duration) int {
	us := min(max(int64(d), 0)/int64(time.Microsecond), longest)
	k := bits.Len64(uint64(us)|(2*half-1)) - halfBits - 1
	return k<<halfBits + int(us>>k)
}

// edges are the shortest and the longest time, in microseconds, of a bucket.
func edges(bucket int) (low, high int64) {
	k := max(bucket>>halfBits-1, 0)
	low = int64(bucket-k<<halfBits) << k
	return low, low + 1<<k - 1
}
