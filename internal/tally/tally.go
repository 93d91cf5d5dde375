// Package tally counts values by size class, cheaply enough for paths on which every
// message goes: two atomic additions, nothing allocated, no lock.
package tally

import "sync/atomic"

// maxClasses bounds the classes of a Tally.
const maxClasses = 16

// Tally counts values by upper bounds. Its methods may be called from any goroutine.
type Tally struct {
	bounds []int64 // immutable
	counts [maxClasses]atomic.Int64
	sum    atomic.Int64
}

// New returns a tally whose classes end at bounds, which are in ascending order and less
// than 16, and one for all that is larger.
func New(bounds ...int64) *Tally {
	if len(bounds) >= maxClasses {
		panic("tally: too many classes")
	}
	return &Tally{bounds: bounds}
}

// Add counts n values of v.
func (t *Tally) Add(v, n int64) {
	class := 0
	for class < len(t.bounds) && v > t.bounds[class] {
		class++
	}
	t.counts[class].Add(n)
	t.sum.Add(v * n)
}

// Classes are the counts of a moment.
type Classes struct {
	// Bounds are the largest values of the classes but the last, which has no bound.
	Bounds []int64
	// Counts are how many values fell into each class.
	Counts []int64
	// Sum is the sum of all values.
	Sum int64
}

// Read returns the counts, which are read one by one, not all at the same instant.
func (t *Tally) Read() Classes {
	c := Classes{Bounds: t.bounds, Counts: make([]int64, len(t.bounds)+1), Sum: t.sum.Load()}
	for i := range c.Counts {
		c.Counts[i] = t.counts[i].Load()
	}
	return c
}

// Total is how many values there were.
func (c Classes) Total() (n int64) {
	for _, in := range c.Counts {
		n += in
	}
	return n
}
