package audit

import (
	"encoding/json"
	"math/rand/v2"
	"testing"
)

func TestStampsComeBackFromTheirPayload(t *testing.T) {
	m := newMark(1<<18 - 1)
	for _, s := range []Stamp{{}, {1, 2, 3}, {1<<32 - 1, 1<<32 - 1, 1<<63 - 1}} {
		for _, size := range []int{0, MinSize, MinSize + 1, 128, len(filler) + MinSize, 3*len(filler) + 5} {
			p := m.append([]byte("before"), s, size)
			if len(p) != len("before")+max(size, MinSize) {
				t.Errorf("%+v of %d bytes has %d", s, size, len(p)-len("before"))
			}
			got, how := m.read(p[len("before"):])
			if got != s || how != whole {
				t.Errorf("got %+v %d, want %+v", got, how, s)
			}
		}
	}
}

func TestPayloadsNeedNoEscapes(t *testing.T) {
	m := newMark(12345)
	p := m.append(nil, Stamp{1 << 31, 99, 1 << 62}, len(filler)+100)
	quoted, err := json.Marshal(string(p))
	if err != nil || string(quoted) != `"`+string(p)+`"` {
		t.Errorf("JSON changes the payload (%v)", err)
	}
}

// A single changed byte is always noticed, never makes another message of it, and never
// makes it foreign.
func TestEveryChangeOfAByteIsNoticed(t *testing.T) {
	m := newMark(7)
	r := rand.New(rand.NewPCG(1, 1))
	for n := range 100 * 20 {
		i, s := n%100, Stamp{r.Uint32(), r.Uint32(), r.Int64()}
		for bits := 1; bits < 256; bits++ {
			p := m.append(nil, s, 100)
			p[i] ^= byte(bits)
			got, how := m.read(p)
			switch {
			case how == damaged && got == s && (i < markSize || i >= MinSize):
			case how == unreadable && i >= markSize && i < MinSize:
			default:
				t.Fatalf("byte %d ^ %d: %+v, %d", i, bits, got, how)
			}
		}
	}
}

func TestEveryTruncationIsNoticed(t *testing.T) {
	m := newMark(7)
	p := m.append(nil, Stamp{5, 6, 7}, 100)
	for n := range p {
		_, how := m.read(p[:n])
		want := damaged
		if n < MinSize {
			want = unreadable
		}
		if n < markSize {
			want = foreign
		}
		if how != want {
			t.Errorf("the first %d bytes: %d, want %d", n, how, want)
		}
	}
	if _, how := m.read(append(p, 'x')); how != damaged {
		t.Errorf("a byte too many: %d", how)
	}
}

func FuzzReadingAPayloadKeepsToItsBounds(f *testing.F) {
	m := newMark(7)
	f.Add([]byte("~"), uint8(0), uint8(0))
	f.Add(m.append(nil, Stamp{1, 2, 3}, 60), uint8(5), uint8(1))
	f.Fuzz(func(t *testing.T, p []byte, at, bits uint8) {
		// Whatever comes is judged, and a stream of ours with a number that was never sent
		// does no harm.
		w := newWorld(t, Config{Run: 7})
		w.join()
		w.receive(w.send(1)...)
		w.receive(p)
		w.receive(m.append(nil, Stamp{uint32(at), uint32(bits) << 24, 0}, 0))
		w.sub.Finish()
		s := w.a.Sums()
		if s.Due != s.Delivered+s.Lost+s.Gap+s.Absent+s.Unjudged {
			t.Errorf("unbalanced: %+v", s)
		}
	})
}
