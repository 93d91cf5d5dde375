package live

import (
	"bytes"
	"math"
	"strings"
	"unicode/utf8"
)

// tone is how a text is coloured: one of the terminal's own colours, so that it can be
// read on light and on dark.
type tone string

const (
	plain  tone = ""
	strong tone = "1"
	dim    tone = "2"
	good   tone = "32"
	bad    tone = "1;31"
	warn   tone = "33"
	accent tone = "36"
)

// span is a part of a line. Its text is of characters that are one column wide.
type span struct {
	tone tone
	text string
}

// line is a row of a frame.
type line []span

func (l line) width() int {
	n := 0
	for _, s := range l {
		n += utf8.RuneCountInString(s.text)
	}
	return n
}

// cut ends a line where the terminal ends: with a word where it may be, but a figure is
// there in full or not at all, and what only stands between two goes with the second.
func (l line) cut(width int) line {
	for i, s := range l {
		n := utf8.RuneCountInString(s.text)
		if n <= width {
			width -= n
			continue
		}
		if i == 0 || !strings.ContainsAny(s.text, "0123456789") {
			return append(append(line(nil), l[:i]...), span{s.tone, string([]rune(s.text)[:width])})
		}
		l = l[:i]
		if strings.TrimLeft(l[i-1].text, ", ") == "" {
			l = l[:i-1]
		}
		return l
	}
	return l
}

// String is the line without colours.
func (l line) String() string {
	var b bytes.Buffer
	l.write(&b, false)
	return b.String()
}

func (l line) write(b *bytes.Buffer, colour bool) {
	for _, s := range l {
		if s.text == "" {
			continue
		}
		if colour && s.tone != plain {
			b.WriteString("\x1b[" + string(s.tone) + "m" + s.text + "\x1b[0m")
		} else {
			b.WriteString(s.text)
		}
	}
}

// left and right fill a text up to a width, in columns.
func left(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

func right(s string, width int) string {
	return strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s))) + s
}

// The characters of bars, the lowest first.
var (
	blocks = []rune("▁▂▃▄▅▆▇█")
	signs  = []rune("_.-=+*%#")
)

// spark draws the last values, a column each, from 0 to the highest of them. A missing
// one is a blank.
func spark(values []float64, columns int, st style) string {
	levels := signs
	if st.blocks {
		levels = blocks
	}
	if len(values) > columns {
		values = values[len(values)-max(columns, 0):]
	}
	most := 0.0
	for _, v := range values {
		if v > most {
			most = v
		}
	}
	var b strings.Builder
	for _, v := range values {
		switch {
		case math.IsNaN(v):
			b.WriteByte(' ')
		case most == 0:
			b.WriteRune(levels[0])
		default:
			b.WriteRune(levels[min(int(v/most*float64(len(levels))), len(levels)-1)])
		}
	}
	return b.String()
}

// bar draws a share from 0 to 1.
func bar(share float64, columns int, st style) (done, left string) {
	full, empty := "#", "."
	if st.blocks {
		full, empty = "█", "░"
	}
	n := int(math.Round(share * float64(columns)))
	return strings.Repeat(full, n), strings.Repeat(empty, columns-n)
}
