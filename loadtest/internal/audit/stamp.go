package audit

import "hash/crc32"

// A stamp is 39 characters that JSON strings carry as they are:
//
//	~ run stream number due body check
//	1  3    6      6     11   6    6
//
// Numbers are in base 64, the highest digit first. body is the CRC-32C of all that
// follows the stamp, check that of the stamp up to itself.
const (
	// MinSize is the bytes of the smallest payload: a stamp alone.
	MinSize = 39

	markSize   = 4 // '~' and the run
	streamAt   = markSize
	seqAt      = streamAt + 6
	dueAt      = seqAt + 6
	bodyAt     = dueAt + 11
	checkAt    = bodyAt + 6
	maxStreams = 1 << 24 // of one worker

	// MaxWorkers is how many there may be in one run.
	MaxWorkers = 1 << 8
)

const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_"

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	digitValue = func() (v [256]uint8) {
		for i := range v {
			v[i] = 64
		}
		for i := range len(digits) {
			v[digits[i]] = uint8(i)
		}
		return v
	}()
	// filler is what payloads are filled up with: digits without a pattern, so that a
	// compressing transport has work to do.
	filler = func() []byte {
		b := make([]byte, 64<<10)
		x := uint32(2463534242)
		for i := range b {
			x ^= x << 13
			x ^= x >> 17
			x ^= x << 5
			b[i] = digits[x>>26]
		}
		return b
	}()
)

// Stamp says which message a payload is.
type Stamp struct {
	// Stream is the number of the publisher's stream to the room, unique in a run.
	Stream uint32
	// Seq is the message's place in its stream, from 0.
	Seq uint32
	// Due is when the message should have been sent, in nanoseconds of the sender's
	// Audit.Now. In a closed loop that is when it was.
	Due int64
}

// Worker returns the number of the worker whose message it is.
func (s Stamp) Worker() int { return int(s.Stream / maxStreams) }

// mark is what all stamps of a run begin with, and the checksum of it.
type mark struct {
	text [markSize]byte
	sum  uint32
}

func newMark(run uint32) (m mark) {
	m.text[0] = '~'
	putDigits(m.text[1:], uint64(run))
	m.sum = crc32.Checksum(m.text[:], castagnoli)
	return m
}

// append writes a payload of size bytes, at least MinSize.
func (m *mark) append(dst []byte, s Stamp, size int) []byte {
	start := len(dst)
	var head [MinSize]byte
	dst = append(dst, head[:]...)
	for size -= MinSize; size > 0; size -= len(filler) {
		dst = append(dst, filler[:min(size, len(filler))]...)
	}
	h := dst[start : start+MinSize]
	copy(h, m.text[:])
	putDigits(h[streamAt:seqAt], uint64(s.Stream))
	putDigits(h[seqAt:dueAt], uint64(s.Seq))
	putDigits(h[dueAt:bodyAt], uint64(s.Due))
	putDigits(h[bodyAt:checkAt], uint64(crc32.Checksum(dst[start+MinSize:], castagnoli)))
	putDigits(h[checkAt:], uint64(crc32.Update(m.sum, castagnoli, h[markSize:checkAt])))
	return dst
}

// condition is what became of a payload on its way.
type condition uint8

const (
	whole      condition = iota
	damaged              // something was changed, the stamp is known
	unreadable           // ours, but the stamp cannot be trusted
	foreign              // not ours
)

// read reads a payload, and keeps none of it. A payload is ours when either the mark
// or the checksum of the stamp is right: one of them survives a single change.
func (m *mark) read(p []byte) (Stamp, condition) {
	if len(p) < markSize {
		return Stamp{}, foreign
	}
	marked := [markSize]byte(p) == m.text
	if len(p) < MinSize || number(p[checkAt:MinSize]) != uint64(crc32.Update(m.sum, castagnoli, p[markSize:checkAt])) {
		if marked {
			return Stamp{}, unreadable
		}
		return Stamp{}, foreign
	}
	s := Stamp{
		Stream: uint32(number(p[streamAt:seqAt])),
		Seq:    uint32(number(p[seqAt:dueAt])),
		Due:    int64(number(p[dueAt:bodyAt])),
	}
	if !marked || number(p[bodyAt:checkAt]) != uint64(crc32.Checksum(p[MinSize:], castagnoli)) {
		return s, damaged
	}
	return s, whole
}

func putDigits(dst []byte, v uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = digits[v&63]
		v >>= 6
	}
}

// number reads digits. What is none counts as 64, so that no other character reads
// the same.
func number(b []byte) (v uint64) {
	for _, c := range b {
		v = v<<6 + uint64(digitValue[c])
	}
	return v
}
