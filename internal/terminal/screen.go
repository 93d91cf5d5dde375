// Package terminal is as much of a terminal as the programs of this repository use: it
// takes what they write and knows what is seen then. It is for tests and for pictures
// in the documentation.
package terminal

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Cell is one character and how it is shown: the parameters of the last sequence
// that set colours, "" for none.
type Cell struct {
	Rune rune
	Tone string
}

// Screen is what a terminal shows. It is not safe for concurrent use.
type Screen struct {
	width, height int
	rows          [][]Cell
	row, col      int
	tone          string
	rest          []byte // of a character or sequence that is not complete

	// Unknown are the sequences that came and mean nothing here, at most 100.
	Unknown []string
}

// New returns an empty screen of at least one column and one row.
func New(width, height int) *Screen {
	s := &Screen{width: max(width, 1), height: max(height, 1)}
	for range s.height {
		s.rows = append(s.rows, nil)
	}
	return s
}

// Write shows what a program wrote. It takes all of it, and never fails.
func (s *Screen) Write(p []byte) (int, error) {
	b := slices.Concat(s.rest, p)
	s.rest = nil
	for len(b) > 0 {
		n := s.take(b)
		if n == 0 {
			s.rest = append([]byte(nil), b...)
			break
		}
		b = b[n:]
	}
	return len(p), nil
}

// maxSequence is how long a sequence may be. Longer ones are unknown.
const maxSequence = 64

// take shows the first character or sequence of b and returns its length, or 0 if it is
// not complete.
func (s *Screen) take(b []byte) int {
	switch b[0] {
	case '\r':
		s.col = 0
		return 1
	case '\n':
		s.down()
		return 1
	case '\t':
		s.col = min(s.col/8*8+8, s.width-1)
		return 1
	case 0x1b:
		return s.sequence(b)
	}
	if !utf8.FullRune(b) {
		return 0
	}
	r, n := utf8.DecodeRune(b)
	if r < ' ' || r == 0x7f {
		s.unknown(string(b[:n]))
		return n
	}
	s.put(r)
	return n
}

func (s *Screen) put(r rune) {
	if s.col == s.width {
		s.col = 0
		s.down()
	}
	row := s.rows[s.row]
	for len(row) <= s.col {
		row = append(row, Cell{Rune: ' '})
	}
	row[s.col] = Cell{r, s.tone}
	s.rows[s.row] = row
	s.col++
}

// down goes to the next row. At the bottom everything moves up.
func (s *Screen) down() {
	if s.row < s.height-1 {
		s.row++
		return
	}
	copy(s.rows, s.rows[1:])
	s.rows[s.height-1] = nil
}

// sequence obeys an escape sequence of the form ESC [ parameters letter.
func (s *Screen) sequence(b []byte) int {
	if len(b) < 2 {
		return 0
	}
	if b[1] != '[' {
		s.unknown(string(b[:2]))
		return 2
	}
	for i := 2; i < len(b); i++ {
		if b[i] >= 0x40 && b[i] <= 0x7e {
			s.obey(string(b[2:i]), b[i])
			return i + 1
		}
		if i == maxSequence {
			s.unknown(string(b[:i]))
			return i
		}
	}
	return 0
}

func (s *Screen) obey(parameters string, letter byte) {
	n, err := strconv.Atoi(parameters)
	if parameters == "" {
		n, err = 0, nil
	}
	switch {
	case letter == 'm':
		s.tone = parameters
		if parameters == "0" {
			s.tone = ""
		}
	case letter == 'A' && err == nil:
		s.row = max(0, s.row-max(n, 1))
	case letter == 'K' && n == 0 && err == nil:
		s.rows[s.row] = s.rows[s.row][:min(s.col, len(s.rows[s.row]))]
	case letter == 'J' && n == 0 && err == nil:
		s.rows[s.row] = s.rows[s.row][:min(s.col, len(s.rows[s.row]))]
		for i := s.row + 1; i < s.height; i++ {
			s.rows[i] = nil
		}
	default:
		s.unknown("\x1b[" + parameters + string(letter))
	}
}

func (s *Screen) unknown(sequence string) {
	if len(s.Unknown) < 100 {
		s.Unknown = append(s.Unknown, sequence)
	}
}

// Resize makes the screen narrower or wider, and breaks lines that no longer fit, as
// most terminals do.
func (s *Screen) Resize(width int) {
	width = max(width, 1)
	var rows [][]Cell
	at := 0
	for i, row := range s.rows {
		if i == s.row {
			at = len(rows)
		}
		for len(row) > width {
			rows = append(rows, row[:width:width])
			row = row[width:]
		}
		rows = append(rows, row)
	}
	s.width = width
	s.row, s.col = at, min(s.col, width)
	for len(rows) > s.height && s.row < len(rows)-1 { // what is below the cursor is empty
		rows = rows[:len(rows)-1]
	}
	if over := len(rows) - s.height; over > 0 {
		rows, s.row = rows[over:], s.row-over
	}
	s.rows = rows
}

// Rows are what is seen, the cells of each row up to its last.
func (s *Screen) Rows() [][]Cell { return s.rows }

// Lines are what is seen as text, without what is blank at the ends.
func (s *Screen) Lines() []string {
	lines := make([]string, len(s.rows))
	for i, row := range s.rows {
		var b strings.Builder
		for _, c := range row {
			b.WriteRune(c.Rune)
		}
		lines[i] = strings.TrimRight(b.String(), " ")
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return lines
}

// Cursor is where the next character goes, from 0.
func (s *Screen) Cursor() (row, col int) { return s.row, s.col }
