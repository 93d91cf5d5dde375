package audit

import "math/bits"

// pair is what a subscriber knows of one stream: 12 bytes, since a room of 1,000 in
// which everybody publishes has a million of them.
type pair struct {
	stream uint32 // its number + 1; 0: an empty place
	from   uint32 // the first number that is due
	next   uint32 // the number after the highest that came
}

// pairs is a subscriber's pairs, by stream: open addressing, linear probing, seven
// eighths full at most. Streams are numbered one after the other, which the
// multiplication spreads evenly.
type pairs struct {
	places []pair
	used   int
}

func (t *pairs) home(stream uint32) int {
	h, _ := bits.Mul32(stream*0x9E3779B1, uint32(len(t.places)))
	return int(h)
}

// find returns the stream's pair, or nil. It is valid until the next put or take.
func (t *pairs) find(stream uint32) *pair {
	if len(t.places) == 0 {
		return nil
	}
	for i := t.home(stream); ; {
		p := &t.places[i]
		if p.stream == stream+1 {
			return p
		}
		if p.stream == 0 {
			return nil
		}
		if i++; i == len(t.places) {
			i = 0
		}
	}
}

// put adds the pair of a stream that has none.
func (t *pairs) put(stream, from, next uint32) *pair {
	if t.used+1 > len(t.places)*7/8 {
		old := t.places
		t.places = make([]pair, len(old)+len(old)/4+2)
		for _, p := range old {
			if p.stream != 0 {
				*t.vacant(p.stream - 1) = p
			}
		}
	}
	t.used++
	p := t.vacant(stream)
	*p = pair{stream: stream + 1, from: from, next: next}
	return p
}

func (t *pairs) vacant(stream uint32) *pair {
	i := t.home(stream)
	for t.places[i].stream != 0 {
		if i++; i == len(t.places) {
			i = 0
		}
	}
	return &t.places[i]
}

// take removes the stream's pair and returns it.
func (t *pairs) take(stream uint32) (pair, bool) {
	p := t.find(stream)
	if p == nil {
		return pair{}, false
	}
	taken := *p
	t.used--
	// Whatever stands behind moves up, unless it stands before its home then.
	size := len(t.places)
	hole := t.home(stream)
	for t.places[hole].stream != stream+1 {
		hole = (hole + 1) % size
	}
	for i := (hole + 1) % size; t.places[i].stream != 0; i = (i + 1) % size {
		home := t.home(t.places[i].stream - 1)
		if (i-home+size)%size >= (i-hole+size)%size {
			t.places[hole] = t.places[i]
			hole = i
		}
	}
	t.places[hole] = pair{}
	return taken, true
}
