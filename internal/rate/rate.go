// Package rate says whether something may happen once more now: so often in a second on
// average, and so often at once.
//
// It is the token bucket, kept as one number: the time at which the bucket will be full
// again. Nothing has to be refilled, so a bucket that nobody uses costs 8 bytes and no
// timer, and one whose time has passed is the same as none.
package rate

import "time"

// Limit is how often something may happen. The zero Limit never stops anything.
type Limit struct {
	// PerSecond is the long-term average. 0 means no limit.
	PerSecond int
	// Burst is how often it may happen at once, after a rest. Less than 1 counts as 1.
	Burst int
}

// Bucket is the state of one who is limited: when it is full again, in the time of
// whoever calls Take, in nanoseconds. The zero Bucket is full. It is not safe for
// concurrent use.
type Bucket int64

// Take reports whether it may happen at now, and takes it then. Otherwise the bucket is
// left as it is, and wait says how long it has to rest.
func (l Limit) Take(b *Bucket, now int64) (wait time.Duration) {
	if l.PerSecond <= 0 {
		return 0
	}
	each := int64(time.Second) / int64(l.PerSecond)
	full := max(int64(*b), now)
	if wait := full + each - l.Window().Nanoseconds() - now; wait > 0 {
		return time.Duration(wait)
	}
	*b = Bucket(full + each)
	return 0
}

// Window is how long an empty bucket takes to be full. 0 is no limit.
func (l Limit) Window() time.Duration {
	if l.PerSecond <= 0 {
		return 0
	}
	return time.Second / time.Duration(l.PerSecond) * time.Duration(max(l.Burst, 1))
}
