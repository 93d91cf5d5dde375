package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"unicode/utf8"
)

// FuzzFrames feeds a WebSocket with bytes in two pieces: what it makes of them may not
// depend on where they were cut, nor on anything but the bytes.
func FuzzFrames(f *testing.F) {
	f.Add(append(serverFrame(0x81, `42["a",1]`), serverFrame(0x81, "2")...), 5)
	f.Add(append(serverFrame(0x01, `42["a`), serverFrame(0x80, `"]`)...), 9)
	f.Add(append(serverFrame(0x81, `451-["a",{"_placeholder":true,"num":0}]`), serverFrame(0x82, "xyz")...), 1)
	f.Add([]byte("\x88\x02\x03\xe8"), 3)
	f.Add([]byte("\x81\x7f\x00\x00\x00\x00\x00\x00\x00\x05"), 4)
	f.Fuzz(func(t *testing.T, frames []byte, cut int) {
		cut = min(max(cut, 0), len(frames))
		whole, wholeErr := feed(frames)
		pieces, piecesErr := feed(frames[:cut], frames[cut:])
		if len(whole) != len(pieces) || Class(wholeErr) != Class(piecesErr) {
			t.Fatalf("whole: %q %v; in pieces: %q %v", whole, wholeErr, pieces, piecesErr)
		}
		for i := range whole {
			if whole[i] != pieces[i] {
				t.Errorf("event %d: %q and %q", i, whole[i], pieces[i])
			}
		}
		if wholeErr != nil && Class(wholeErr) == "other" {
			t.Errorf("error without a class: %v", wholeErr)
		}
	})
}

// feed has an established client handle bytes, and returns the events.
func feed(pieces ...[]byte) ([]string, error) {
	h := new(lister)
	c := &Client{cfg: Config{Handler: h, MaxMessage: 1 << 16, AckTimeout: 1}, kick: make(chan struct{}, 1)}
	c.rate.Store(unlimited)
	s := newSession(c)
	s.step = joined
	w := newSocket(s, &link{session: s})
	s.outbox.closed = true // there is nobody to write to
	for _, piece := range pieces {
		for len(piece) > 0 {
			in := w.borrow()
			n := copy(in.b[in.end:], piece)
			in.end += n
			piece = piece[n:]
			if err := w.consume(); err != nil && !errors.Is(err, ErrNotConnected) {
				return h.events, err
			}
			w.giveBack()
		}
	}
	return h.events, nil
}

// lister is a Handler that lists events.
type lister struct {
	counter
	events []string
}

func (h *lister) Event(_ *Client, e *Event) {
	h.events = append(h.events, string(e.Name)+"|"+string(e.Args)+"|"+string(bytes.Join(e.Attachments, []byte("|"))))
}

// FuzzPackets compares with encoding/json what is read without it.
func FuzzPackets(f *testing.F) {
	for _, p := range []string{`2["a",1]`, `2/n,12["a\"\u0041",{}]`, `2[1,2]`, `51-/n,["a",{"_placeholder":true,"num":0}]`, `312[]`, `0/n`, `1`, `2 [ "a" , 1 ]`} {
		f.Add([]byte(p))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := parsePacket(b)
		if err != nil {
			if !errors.Is(err, ErrBadPacket) {
				t.Errorf("class of %v", err)
			}
			return
		}
		if p.attachments < 0 || p.attachments > maxAttachments {
			t.Errorf("%d attachments", p.attachments)
		}
		name, args, err := parseEvent(p.payload)
		var elements []json.RawMessage
		if !utf8.Valid(p.payload) || json.Unmarshal(p.payload, &elements) != nil || len(elements) == 0 {
			return // what is no array may be taken for one, but nothing may break
		}
		var want string
		if json.Unmarshal(elements[0], &want) != nil {
			return
		}
		if err != nil {
			t.Fatalf("%q is refused: %v", p.payload, err)
		}
		if want != string(name) {
			t.Errorf("name %q, expected %q", name, want)
		}
		var got []json.RawMessage
		if err := json.Unmarshal([]byte("["+string(args)+"]"), &got); err != nil || len(got) != len(elements)-1 {
			t.Errorf("args %q of %q: %v", args, p.payload, err)
		}
	})
}

// FuzzCutPayload checks that what is queued for polling is sent once and in order.
func FuzzCutPayload(f *testing.F) {
	f.Add([]byte("4a\x1e4b\x1e"), 3)
	f.Fuzz(func(t *testing.T, packets []byte, limit int) {
		packets = append(packets, separator)
		var joined []byte
		for rest := packets; len(rest) > 0; {
			var payload []byte
			payload, rest = cutPayload(rest, limit)
			if limit > 0 && len(payload) > limit && bytes.IndexByte(payload, separator) >= 0 {
				t.Fatalf("%d bytes in one request", len(payload))
			}
			joined = append(append(joined, payload...), separator)
		}
		if !bytes.Equal(joined, packets) {
			t.Errorf("%q became %q", packets, joined)
		}
	})
}

func TestMaskIsTheOneOfTheHeader(t *testing.T) {
	for _, n := range []int{0, 1, 7, 8, 9, 125, 126, 127, 65535, 65536} {
		payload := bytes.Repeat([]byte("abcdefghijk"), n/11+1)[:n]
		frame := appendFrame([]byte("before"), opText, payload)[6:]
		header := 2
		switch {
		case n >= 1<<16:
			header = 10
		case n >= 126:
			header = 4
		}
		if len(frame) != header+4+n || frame[0] != 0x81 || frame[1]&0x80 == 0 {
			t.Fatalf("%d bytes: header %x", n, frame[:header])
		}
		key, masked := frame[header:header+4], frame[header+4:]
		for i := range masked {
			if masked[i]^key[i%4] != payload[i] {
				t.Fatalf("%d bytes: byte %d", n, i)
			}
		}
	}
}
