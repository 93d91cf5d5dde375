package audit

import "sort"

// Ranges is a set of numbers: 8 bytes for each unbroken run of them. The zero value
// is empty.
type Ranges struct {
	runs []span // rising, with gaps between
}

// Highest returns the highest number, -1 of an empty set.
func (r *Ranges) Highest() int64 {
	if len(r.runs) == 0 {
		return -1
	}
	return int64(r.runs[len(r.runs)-1].to) - 1
}

// Has reports whether n is in the set.
func (r *Ranges) Has(n uint32) bool {
	i := r.at(n)
	return i < len(r.runs) && r.runs[i].from <= n
}

// count returns how many of the numbers are n or more.
func (r *Ranges) count(n uint32) (many int64) {
	for i := r.at(n); i < len(r.runs); i++ {
		many += int64(r.runs[i].to - max(r.runs[i].from, n))
	}
	return many
}

// at returns the index of the first run that ends behind n.
func (r *Ranges) at(n uint32) int {
	return sort.Search(len(r.runs), func(i int) bool { return r.runs[i].to > n })
}

// Add adds n, and reports whether it was not there yet.
func (r *Ranges) Add(n uint32) bool {
	if last := len(r.runs) - 1; last >= 0 && r.runs[last].to == n { // as nearly always
		r.runs[last].to++
		return true
	}
	i := r.at(n)
	if i < len(r.runs) && r.runs[i].from <= n {
		return false
	}
	before := i > 0 && r.runs[i-1].to == n
	after := i < len(r.runs) && r.runs[i].from == n+1
	switch {
	case before && after:
		r.runs[i-1].to = r.runs[i].to
		r.runs = append(r.runs[:i], r.runs[i+1:]...)
	case before:
		r.runs[i-1].to++
	case after:
		r.runs[i].from--
	default:
		r.runs = append(r.runs, span{})
		copy(r.runs[i+1:], r.runs[i:])
		r.runs[i] = span{n, n + 1}
	}
	return true
}
