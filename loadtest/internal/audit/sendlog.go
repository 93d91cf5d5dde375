package audit

import (
	"encoding/binary"
	"sort"
)

// sendLog is when the messages of a stream were sent, in about 3 bytes for each of a
// fast stream and 5 of a slow one. Times rise strictly.
type sendLog struct {
	pages []*page
	n     uint32
	first int64
	last  int64
}

// page is some dozens of messages that follow each other.
type page struct {
	first int64  // when
	start uint32 // number
	steps []byte // uvarints: the time from each to the next
}

const pageBytes = 240

func (l *sendLog) append(t int64) {
	if l.n == 0 {
		l.first = t
	}
	last := len(l.pages) - 1
	switch {
	case last < 0: // most streams of a client that comes and goes are short
		l.pages = append(l.pages, &page{first: t})
	case len(l.pages[last].steps)+binary.MaxVarintLen64 > pageBytes:
		l.pages = append(l.pages, &page{first: t, start: l.n, steps: make([]byte, 0, pageBytes)})
	default:
		p := l.pages[last]
		p.steps = binary.AppendUvarint(p.steps, uint64(t-l.last))
	}
	l.n++
	l.last = t
}

// at returns when message seq was sent. seq must be less than l.n.
func (l *sendLog) at(seq uint32) int64 {
	i := sort.Search(len(l.pages), func(i int) bool { return l.pages[i].start > seq }) - 1
	p := l.pages[i]
	t := p.first
	rest := p.steps
	for range seq - p.start {
		step, n := binary.Uvarint(rest)
		t += int64(step)
		rest = rest[n:]
	}
	return t
}

// from returns the number of the first message that was sent at t or later; l.n if
// there is none.
func (l *sendLog) from(t int64) uint32 {
	if l.n == 0 || t > l.last {
		return l.n
	}
	if t <= l.first {
		return 0
	}
	i := sort.Search(len(l.pages), func(i int) bool { return l.pages[i].first >= t })
	p := l.pages[i-1] // the answer is in it, or the first of the next
	seq, at := p.start, p.first
	rest := p.steps
	for at < t && len(rest) > 0 {
		step, n := binary.Uvarint(rest)
		at += int64(step)
		rest = rest[n:]
		seq++
	}
	if at < t {
		seq++
	}
	return seq
}
