package compare

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

const (
	columns = 5  // name, A, B, ratio, mark
	widest  = 48 // of a cell that is shown in full
)

// Text writes c for a terminal.
func (c *Comparison) Text(w io.Writer) error {
	out := bufio.NewWriter(w)
	if len(c.Reasons) > 0 {
		fmt.Fprintln(out, "These results should not be compared:")
		for _, r := range c.Reasons {
			fmt.Fprintln(out, "  - "+printable(r))
		}
		fmt.Fprintln(out)
	}
	cells := c.cells()
	widths := widths(cells)
	for i, row := range cells {
		if i > 0 && row.title {
			fmt.Fprintln(out)
		}
		fmt.Fprintln(out, aligned(row.cells, widths))
	}
	return out.Flush()
}

// aligned puts figures to the right, and the name and the mark to the left.
func aligned(cells [columns]string, widths [columns]int) string {
	var b strings.Builder
	for i, cell := range cells {
		pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		switch i {
		case 0:
			b.WriteString(cell + pad)
		case columns - 1:
			b.WriteString("  " + cell)
		default:
			b.WriteString("  " + pad + cell)
		}
	}
	return strings.TrimRight(b.String(), " ")
}

// Markdown writes c as tables.
func (c *Comparison) Markdown(w io.Writer) error {
	out := bufio.NewWriter(w)
	if len(c.Reasons) > 0 {
		fmt.Fprintf(out, "**These results should not be compared:**\n\n")
		for _, r := range c.Reasons {
			fmt.Fprintln(out, "- "+escape(printable(r)))
		}
		fmt.Fprintln(out)
	}
	for i, row := range c.cells() {
		for col := range row.cells {
			row.cells[col] = escape(row.cells[col])
		}
		if row.title && i > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintf(out, "| %s |\n", strings.Join(row.cells[:], " | "))
		if row.title {
			fmt.Fprintln(out, "|---|---:|---:|---:|---|")
		}
	}
	return out.Flush()
}

// escape keeps a cell in its column: names of errors may be a server's.
func escape(s string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ", "<", "&lt;", "*", `\*`, "_", `\_`, "`", "\\`").Replace(s)
}

// line is a row of cells, or, with title, the head of a section.
type line struct {
	title bool
	cells [columns]string
}

func (c *Comparison) cells() []line {
	var out []line
	for _, s := range c.Sections {
		out = append(out, line{true, [columns]string{s.Title, show(c.A), show(c.B), "B / A", ""}})
		for _, r := range s.Rows {
			out = append(out, line{false, [columns]string{"  " + show(r.Name), show(r.A), show(r.B), ratio(r.Ratio), string(r.Mark)}})
		}
	}
	return out
}

func widths(rows []line) (w [columns]int) {
	for _, r := range rows {
		for i, cell := range r.cells {
			w[i] = max(w[i], utf8.RuneCountInString(cell))
		}
	}
	return w
}

func ratio(v float64) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	return result.Number(v)
}

// show cuts a cell.
func show(s string) string {
	r := []rune(printable(s))
	if len(r) > widest {
		return string(r[:widest-1]) + "…"
	}
	return string(r)
}

// printable takes out what a terminal would take for commands: the file may be anybody's.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
