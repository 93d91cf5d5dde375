package result

import (
	"encoding/binary"
	"iter"
	"time"
)

// Histogram holds times from 1 µs to 10 min, each to three digits. The zero value and
// nil are empty; nil cannot be recorded into. It is not safe for concurrent use.
//
// One that is recorded into takes 170 KiB. A packed one, which is what a file and a
// time series have, takes about two bytes for each different time.
type Histogram struct {
	total  int64
	counts []int64 // by bucket, or nil
	packed []byte  // in place of counts: for each bucket that is not empty, the distance from the one before and the count
}

// NewHistogram returns an empty one, ready to be recorded into.
func NewHistogram() *Histogram { return &Histogram{counts: make([]int64, Buckets)} }

// Record adds one time. Less than 1 µs counts as none.
func (h *Histogram) Record(d time.Duration) { h.Add(Bucket(d), 1) }

// Add adds n times of a bucket.
func (h *Histogram) Add(bucket int, n int64) {
	h.unpack()
	h.counts[bucket] += n
	h.total += n
}

// Merge adds all that o has.
func (h *Histogram) Merge(o *Histogram) {
	if o.Count() == 0 {
		return
	}
	h.unpack()
	for bucket, n := range o.buckets() {
		h.counts[bucket] += n
	}
	h.total += o.total
}

// Reset empties it.
func (h *Histogram) Reset() {
	clear(h.counts)
	h.packed, h.total = nil, 0
}

// Packed returns a small copy, or nil if h is empty.
func (h *Histogram) Packed() *Histogram {
	if h.Count() == 0 {
		return nil
	}
	var b []byte
	next := 0
	for bucket, n := range h.buckets() {
		b = binary.AppendUvarint(b, uint64(bucket-next))
		b = binary.AppendUvarint(b, uint64(n))
		next = bucket + 1
	}
	return &Histogram{total: h.total, packed: append(make([]byte, 0, len(b)), b...)}
}

func (h *Histogram) unpack() {
	if h.counts != nil {
		return
	}
	counts := make([]int64, Buckets)
	for bucket, n := range h.buckets() {
		counts[bucket] = n
	}
	h.counts, h.packed = counts, nil
}

// buckets are those that are not empty, in order, with their counts.
func (h *Histogram) buckets() iter.Seq2[int, int64] {
	return func(yield func(int, int64) bool) {
		for bucket, n := range h.counts {
			if n != 0 && !yield(bucket, n) {
				return
			}
		}
		next := 0
		for b := h.packed; len(b) > 0; {
			gap, used := binary.Uvarint(b)
			n, more := binary.Uvarint(b[used:])
			b = b[used+more:]
			next += int(gap) + 1
			if !yield(next-1, int64(n)) {
				return
			}
		}
	}
}
