package rate

import (
	"sync"
	"time"
)

// Table has a bucket for each key that has taken something lately. A bucket that is full
// again is dropped when there is need for its place, so the table is as large as the
// number of keys that are active within a Window, and never larger than its bound. Its
// methods may be called from any goroutine.
type Table[K comparable] struct {
	// Immutable.
	limit Limit
	most  int
	epoch time.Time

	mu sync.Mutex
	// Guarded by mu.
	buckets   map[K]Bucket
	sweepAt   int   // sweep before there are more
	swept     int64 // when it was last done
	untracked int64
}

// firstSweep is a size that is not worth looking through.
const firstSweep = 1024

// NewTable returns a table of at most most buckets. A key that finds no place passes, and
// is counted: better than to refuse it for what others do.
func NewTable[K comparable](limit Limit, most int) *Table[K] {
	return &Table[K]{limit: limit, most: most, epoch: time.Now(), buckets: map[K]Bucket{}, sweepAt: min(firstSweep, most)}
}

// Take is Limit.Take on the key's bucket, now.
func (t *Table[K]) Take(key K) (wait time.Duration) {
	if t.limit.PerSecond <= 0 {
		return 0
	}
	now := int64(time.Since(t.epoch))
	t.mu.Lock()
	defer t.mu.Unlock()
	b, there := t.buckets[key]
	if !there && len(t.buckets) >= t.sweepAt && !t.makeRoom(now) {
		t.untracked++
		return 0
	}
	if wait = t.limit.Take(&b, now); wait == 0 {
		t.buckets[key] = b
	}
	return wait
}

// makeRoom reports whether there is room for one more bucket. It needs mu. It looks at
// every bucket, but only when the table has doubled, or after a time in which a bucket
// can have become full: so each Take pays for a few of them at most.
func (t *Table[K]) makeRoom(now int64) bool {
	if len(t.buckets) < t.most || now-t.swept >= int64(t.limit.Window()) {
		for key, b := range t.buckets {
			if int64(b) <= now {
				delete(t.buckets, key)
			}
		}
		t.swept = now
		if len(t.buckets) == 0 {
			t.buckets = map[K]Bucket{} // a map does not shrink
		}
		t.sweepAt = min(max(firstSweep, 2*len(t.buckets)), t.most)
	}
	return len(t.buckets) < t.most
}

// Size returns how many buckets there are, and how many calls found no place for theirs.
func (t *Table[K]) Size() (buckets int, untracked int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.buckets), t.untracked
}
