package engineio

import (
	"bytes"
	"encoding/base64"
	"os"
	"slices"
	"strings"
	"testing"
)

func TestMessageForms(t *testing.T) {
	for name, row := range map[string]struct {
		n      int // with the packet type
		header string
	}{
		"1": {1, "\x01"}, "125": {125, "\x7d"}, "126": {126, "\x7e\x00\x7e"}, "127": {127, "\x7e\x00\x7f"},
		"65535": {65535, "\x7e\xff\xff"}, "65536": {65536, "\x7f\x00\x00\x00\x00\x00\x01\x00\x00"},
	} {
		t.Run(name, func(t *testing.T) {
			data := []byte(repeat("x", row.n-1))
			m := NewText(data[:len(data)/2], data[len(data)/2:])
			if want := "\x81" + row.header + "4" + string(data); string(m.wire()) != want {
				t.Errorf("text frame is %.20q, want %.20q", m.wire(), want)
			}
			if string(m.polling()) != "4"+string(data) {
				t.Errorf("text in a payload is %.20q", m.polling())
			}
			b := NewBinary(append(data, 0xff))
			if want := "\x82" + row.header + string(data) + "\xff"; string(b.wire()) != want {
				t.Errorf("binary frame is %.20q, want %.20q", b.wire(), want)
			}
			if want := "b" + base64.StdEncoding.EncodeToString(append(data, 0xff)); string(b.polling()) != want {
				t.Errorf("binary in a payload is %.20q, want %.20q", b.polling(), want)
			}
			if m.size() != len(m.wire()) {
				t.Errorf("size is %d, want %d", m.size(), len(m.wire()))
			}
		})
	}
}

func TestEmptyMessages(t *testing.T) {
	if got := string(NewText().wire()); got != "\x81\x014" {
		t.Errorf("empty text is %q", got)
	}
	if got := string(NewBinary(nil).wire()); got != "\x82\x00" {
		t.Errorf("empty binary is %q", got)
	}
	if got := string(NewBinary(nil).polling()); got != "b" {
		t.Errorf("empty binary is %q in a payload", got)
	}
}

func TestMessagesOwnTheirBytes(t *testing.T) {
	data := []byte("abc")
	text, bin := NewText(data), NewBinary(data)
	copy(data, "xyz")
	if string(text.polling()) != "4abc" || string(bin.wire()) != "\x82\x03abc" {
		t.Errorf("messages changed: %q, %q", text.polling(), bin.wire())
	}
}

func TestPayloadLeavesControlFramesOut(t *testing.T) {
	got := appendPayload(nil, []*Message{closeFrame, NewText([]byte("a")), closeFrame, noopPacket, closePacket})
	if string(got) != "4a\x1e6\x1e1" {
		t.Errorf("payload is %q", got)
	}
}

// FuzzPayload: what one side puts into a payload is what the other takes out.
func FuzzPayload(f *testing.F) {
	f.Add([]byte("\x02ab\x03\x00cd\x00"))
	f.Fuzz(func(t *testing.T, script []byte) {
		// Each message: a byte of length and kind, then its data.
		var sent []*Message
		var want []packet
		for len(script) > 0 {
			n := min(int(script[0]>>1), len(script)-1)
			data, binary := script[1:1+n], script[0]&1 == 1
			script = script[1+n:]
			if !binary { // the separator cannot stand in JSON text
				data = bytes.ReplaceAll(data, []byte{separator}, nil)
				sent = append(sent, NewText(data))
			} else {
				sent = append(sent, NewBinary(data))
			}
			want = append(want, packet{kind: packetMessage, binary: binary, data: data})
		}
		if len(sent) == 0 {
			return
		}
		walk := newPayload(appendPayload(nil, sent))
		for i, w := range want {
			raw, ok := walk.next()
			if !ok {
				t.Fatalf("payload ends before message %d", i)
			}
			got, ok := decodeText(bytes.Clone(raw))
			if !ok || got.kind != w.kind || got.binary != w.binary || !bytes.Equal(got.data, w.data) {
				t.Fatalf("message %d is %+v, %v; want %+v", i, got, ok, w)
			}
		}
		if raw, ok := walk.next(); ok {
			t.Fatalf("payload goes on with %q", raw)
		}
	})
}

// slowDecode is decodeText again, written for clarity: base64 bit by bit.
func slowDecode(p string) (packet, bool) {
	if p == "" {
		return packet{}, false
	}
	if strings.Contains("0123456", p[:1]) {
		return packet{kind: p[0], data: []byte(p[1:])}, true
	}
	if p[0] != 'b' {
		return packet{}, false
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	var out []byte
	var bits, have, digits int
	for _, c := range []byte(strings.TrimRight(p[1:], "=")) {
		if c == '\n' || c == '\r' { // MIME breaks lines, and Go reads it
			continue
		}
		v := strings.IndexByte(alphabet, c)
		if v < 0 {
			return packet{}, false
		}
		digits++
		bits, have = bits<<6|v, have+6
		if have >= 8 {
			have -= 8
			out = append(out, byte(bits>>have))
			bits &= 1<<have - 1
		}
	}
	return packet{kind: packetMessage, binary: true, data: out}, digits%4 != 1
}

func FuzzDecodeText(f *testing.F) {
	for _, seed := range []string{"", "4", "4a\x1e", "7", "b", "bAQID", "bAQI=", "bAQ==", "b!!!!", "bA", "bAQ\r\nID", "bAR==", "\xef\xbb\xbf40", "2probe"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		want, wantOK := slowDecode(string(p))
		got, ok := decodeText(slices.Clone(p))
		if ok != wantOK || ok && (got.kind != want.kind || got.binary != want.binary || !bytes.Equal(got.data, want.data)) {
			t.Fatalf("%q: %+v, %v; want %+v, %v", p, got, ok, want, wantOK)
		}
	})
}

func TestIDsDiffer(t *testing.T) {
	seen := map[string]bool{}
	var counts [256]int
	for range 10_000 {
		id := NewID("tag-", 20)
		if len(id) != 24 || id[:4] != "tag-" || seen[id] {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
		for _, c := range []byte(id[4:]) {
			counts[c]++
		}
	}
	for _, c := range []byte(idAlphabet) {
		if n := counts[c]; n < 2500 || n > 3800 { // 3125 expected; 12 standard deviations
			t.Errorf("%q came %d times", c, n)
		}
	}
}

func TestSavedCorpusIsThere(t *testing.T) {
	for _, target := range []string{"FuzzPayload", "FuzzDecodeText"} {
		if files, err := os.ReadDir("testdata/fuzz/" + target); err != nil || len(files) == 0 {
			t.Errorf("%s: %d files, %v", target, len(files), err)
		}
	}
}
