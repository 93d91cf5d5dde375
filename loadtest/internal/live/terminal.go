package live

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"golang.org/x/term"
)

// Capable says whether out is a terminal on which New would draw a frame.
func Capable(out *os.File) bool { return capable(out, os.Getenv) }

// capable says whether out is a terminal on which a frame can be drawn over another.
func capable(out *os.File, env func(string) string) bool {
	if !term.IsTerminal(int(out.Fd())) || env("TERM") == "dumb" {
		return false
	}
	// consoles of Windows take moves of the cursor for text unless asked not to
	return runtime.GOOS != "windows" || env("WT_SESSION") != ""
}

// style is what a terminal can show.
type style struct {
	colour bool
	blocks bool // characters for bars, of Unicode
}

func styleOf(env func(string) string) style {
	return style{colour: env("NO_COLOR") == "", blocks: !otherCharset(env)}
}

// otherCharset is true if the locale is known to be something else than UTF-8.
func otherCharset(env func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if v := strings.ToLower(env(name)); v != "" {
			return !strings.Contains(v, "utf-8") && !strings.Contains(v, "utf8")
		}
	}
	return false
}

// screen is a terminal with at most one frame on it, directly above the cursor.
type screen struct {
	style style
	size  func() (width, height int)
	out   io.Writer
	// Owned by the goroutine that draws.
	drawn []int // the widths of the lines of the frame
}

func newScreen(out *os.File, env func(string) string) *screen {
	return &screen{style: styleOf(env), out: out, size: func() (int, int) {
		width, height, err := term.GetSize(int(out.Fd()))
		if err != nil || width < 1 || height < 1 {
			return 80, 24
		}
		return width, height
	}}
}

// The only sequences that a frame is made of, besides colours.
const (
	up       = "\x1b[%dA"
	eraseEnd = "\x1b[K" // the rest of the line
	eraseAll = "\x1b[J" // everything below
)

// draw puts a frame in the place of the one before, in one write. Lines are not wider
// than the terminal, so each is one row.
func (s *screen) draw(frame []line, width int) {
	var b bytes.Buffer
	if rows := s.rows(width); rows > 0 {
		fmt.Fprintf(&b, up, rows)
	}
	b.WriteByte('\r')
	s.drawn = s.drawn[:0]
	for _, l := range frame {
		l.write(&b, s.style.colour)
		b.WriteString(eraseEnd + "\r\n")
		s.drawn = append(s.drawn, l.width())
	}
	b.WriteString(eraseAll)
	_, _ = s.out.Write(b.Bytes()) // a terminal that is gone shows nothing
}

// rows is how many rows the last frame takes on a terminal that has become so wide:
// where it is narrower now, the terminal has broken the lines.
func (s *screen) rows(width int) int {
	rows := 0
	for _, w := range s.drawn {
		rows += max(1, (w+width-1)/width)
	}
	return rows
}
