package report

import (
	"html/template"
	"strconv"
	"strings"
)

// drawing is SVG that grows. All text passes through text, which escapes it;
// everything else is made of constants and numbers.
type drawing struct{ strings.Builder }

func (d *drawing) raw(s string) { d.WriteString(s) }

func (d *drawing) open(parts ...string) {
	for _, p := range parts {
		d.WriteString(p)
	}
}

// text writes a text element with attributes that are none of a stranger's.
func (d *drawing) text(attributes, s string) {
	d.raw("<text " + attributes + ">")
	d.raw(template.HTMLEscapeString(s))
	d.raw("</text>")
}

// tick writes a label of the horizontal axis, those at the ends within the figure.
func (d *drawing) tick(t tick) {
	anchor := "middle"
	if t.at < 0.02 {
		anchor = "start"
	} else if t.at > 0.97 {
		anchor = "end"
	}
	x := percent(t.at)
	d.raw(`<line class="notch" x1="` + x + `" x2="` + x + `" y1="` + num(bandHeight+plotHeight) + `" y2="` + num(bandHeight+plotHeight+4) + `"/>`)
	d.text(`x="`+x+`" y="`+num(bandHeight+plotHeight+17)+`" text-anchor="`+anchor+`"`, t.label)
}

// The widths in pixels that a plot has at least, on a wide page and on a narrow one,
// and what a letter of a phase's name takes.
const (
	wideWidth   = 480
	narrowWidth = 270
	letterWidth = 6.6
)

// band shades every other phase, and names each: in full where there is room, or by
// its number.
func (d *drawing) band(i int, b band) {
	d.raw(`<svg x="` + percent(b.from) + `" width="` + percent(b.to-b.from) + `" height="` + num(bandHeight+plotHeight) + `">`)
	if i%2 == 1 {
		d.raw(`<rect class="band" width="100%" height="100%"/>`)
	}
	wide, narrow := b.label(wideWidth), b.label(narrowWidth)
	if wide == narrow {
		d.text(`class="phase" x="4" y="12"`, wide)
	} else {
		d.text(`class="phase long" x="4" y="12"`, wide)
		d.text(`class="phase brief" x="4" y="12"`, narrow)
	}
	d.raw("</svg>")
}

// label is what there is room for in a plot so wide.
func (b band) label(pixels float64) string {
	room := (b.to-b.from)*pixels - 6
	for _, s := range []string{b.name, strconv.Itoa(b.number)} {
		if float64(len(s))*letterWidth <= room {
			return s
		}
	}
	return ""
}

func (d *drawing) html() template.HTML {
	return template.HTML(d.String()) //nolint:gosec // text is escaped in text
}

// num writes a coordinate with at most one decimal.
func num(x float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(x, 'f', 1, 64), ".0")
}

func percent(at float64) string {
	return strings.TrimSuffix(strconv.FormatFloat(at*100, 'f', 2, 64), ".00") + "%"
}
