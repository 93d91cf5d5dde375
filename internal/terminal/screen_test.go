package terminal

import (
	"bytes"
	"encoding/xml"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestScreenShowsWhatATerminalWould(t *testing.T) {
	for name, row := range map[string]struct {
		wrote string
		want  []string
	}{
		"lines":            {"one\r\ntwo\r\n", []string{"one", "two"}},
		"written over":     {"one\r\ntwo\r\n\x1b[2A\rONE\r\n", []string{"ONE", "two"}},
		"rest of the line": {"abcdef\rxy\x1b[K", []string{"xy"}},
		"all below":        {"a\r\nb\r\nc\x1b[2A\r\x1b[J", nil},
		"too wide":         {"abcdefghijkl", []string{"abcdefghij", "kl"}},
		"exactly as wide":  {"abcdefghij\r\nk", []string{"abcdefghij", "k"}},
		"scrolled":         {"1\r\n2\r\n3\r\n4\r\n5", []string{"2", "3", "4", "5"}},
		"colours":          {"\x1b[1;31mred\x1b[0m", []string{"red"}},
		"tabs":             {"a\tb", []string{"a       b"}},
		"above the top":    {"a\x1b[9A\rb", []string{"b"}},
		"wide characters":  {"▁█é", []string{"▁█é"}},
	} {
		s := New(10, 4)
		for i := range len(row.wrote) { // in pieces as small as can be
			if _, err := io.WriteString(s, row.wrote[i:i+1]); err != nil {
				t.Fatal(err)
			}
		}
		if got := s.Lines(); !slices.Equal(got, row.want) {
			t.Errorf("%s: %q, want %q", name, got, row.want)
		}
		if len(s.Unknown) > 0 {
			t.Errorf("%s: unknown %q", name, s.Unknown)
		}
	}
}

func TestScreenNamesWhatItDoesNotKnow(t *testing.T) {
	s := New(10, 4)
	if _, err := io.WriteString(s, "\x1b[?25l\x1bc\x07\x1b[2Kx"); err != nil {
		t.Fatal(err)
	}
	if want := []string{"\x1b[?25l", "\x1bc", "\x07", "\x1b[2K"}; !slices.Equal(s.Unknown, want) {
		t.Errorf("%q, want %q", s.Unknown, want)
	}
}

func TestNarrowerScreenBreaksItsLines(t *testing.T) {
	s := New(10, 6)
	if _, err := io.WriteString(s, "abcdefgh\r\nij\r\n"); err != nil {
		t.Fatal(err)
	}
	s.Resize(5)
	if got, want := s.Lines(), []string{"abcde", "fgh", "ij"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if row, col := s.Cursor(); row != 3 || col != 0 {
		t.Errorf("the cursor is at %d, %d, want 3, 0", row, col)
	}
}

func TestPictureHasWhatIsSeen(t *testing.T) {
	s := New(20, 5)
	if _, err := io.WriteString(s, "\x1b[1;31m<a> & b\x1b[0m rest\r\n"); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := s.SVG(&b, "a <title>"); err != nil {
		t.Fatal(err)
	}
	var texts []string
	d := xml.NewDecoder(&b)
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok && (e.Name.Local == "text" || e.Name.Local == "title") {
			var text string
			if err := d.DecodeElement(&text, &e); err != nil {
				t.Fatal(err)
			}
			texts = append(texts, strings.TrimSpace(text))
		}
	}
	if want := []string{"a <title>", "<a> & b", "rest"}; !slices.Equal(texts, want) {
		t.Errorf("%q, want %q", texts, want)
	}
}

func FuzzScreen(f *testing.F) {
	f.Add([]byte("abc\x1b[2A\r\x1b[Jx\x1b[1mé\n"), 3)
	f.Fuzz(func(t *testing.T, b []byte, width int) {
		s := New(min(width, 100), 5)
		if n, err := s.Write(b); n != len(b) || err != nil {
			t.Fatalf("took %d of %d: %v", n, len(b), err)
		}
		s.Resize(max(1, width/2%100))
		if row, _ := s.Cursor(); row < 0 || row >= 5 || len(s.Lines()) > 5 {
			t.Fatalf("the cursor is in row %d of 5, and there are %d lines", row, len(s.Lines()))
		}
	})
}
