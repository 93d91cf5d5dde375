package terminal

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"strings"
)

// The size of a character, in pixels of the picture.
const (
	cellWidth  = 8.4
	cellHeight = 19
	margin     = 16
)

const pictureStyle = `text{font:14px ui-monospace,"SF Mono","Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono","Liberation Mono",monospace;white-space:pre;fill:#d7e0e6}` +
	`rect{fill:#11181e}.b{font-weight:700;fill:#f4f8fa}.d{fill:#8596a3}.g{fill:#5fd08b}.r{fill:#ff8a7e;font-weight:700}.y{fill:#e9b95f}.c{fill:#4fc6bd}`

// classes are the tones that have a colour in the picture.
var classes = map[string]string{"1": "b", "2": "d", "32": "g", "1;31": "r", "33": "y", "36": "c"}

// SVG writes a picture of what is seen, down to the last row with something in it, with
// title for those who do not see it.
func (s *Screen) SVG(w io.Writer, title string) error {
	rows := len(s.Lines())
	width, height := float64(s.width)*cellWidth+2*margin, rows*cellHeight+2*margin
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %d" width="%.0f" height="%d" role="img"><title>%s</title><style>%s</style>`,
		width, height, width, height, html.EscapeString(title), pictureStyle)
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" rx="10"/>`)
	for i, row := range s.rows[:rows] {
		for from := 0; from < len(row); {
			to := from
			var text strings.Builder
			for to < len(row) && row[to].Tone == row[from].Tone {
				text.WriteRune(row[to].Rune)
				to++
			}
			if t := strings.TrimRight(text.String(), " "); t != "" {
				fmt.Fprintf(&b, "\n"+`<text x="%.1f" y="%d" textLength="%.1f" class="%s" xml:space="preserve">%s</text>`,
					margin+float64(from)*cellWidth, margin+i*cellHeight+14, float64(len([]rune(t)))*cellWidth, classes[row[from].Tone], html.EscapeString(t))
			}
			from = to
		}
	}
	b.WriteString("\n</svg>\n")
	_, err := w.Write(b.Bytes())
	return err
}
