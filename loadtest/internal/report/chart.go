package report

import (
	"html/template"
	"math"
	"strconv"

	"github.com/causeway-rt/causeway/loadtest/internal/show"
)

// The plot's height, and the unit of its width: paths are drawn on a grid of
// plotUnits, and stretched by the browser, while text keeps its size.
const (
	plotHeight = 180
	plotUnits  = 1000
	bandHeight = 18 // names of phases, above the plot
	tickHeight = 20 // labels of the horizontal axis, below it
)

// chart is a figure of the report: lines, or rows of bars, over time or another
// horizontal scale, that each of its series has one value for.
type chart struct {
	title  string
	note   string // how to read it, below the title
	x, y   scale
	at     []float64 // values on x
	moment func(x float64) string
	series []series
	bars   bool   // each series has a row of its own, see lanes; at[i] is a step's middle
	bands  []band // phases, in the background
	limit  *tick  // a line that is not to be passed, across the plot; nil: none
}

// series is a line of a chart.
type series struct {
	name   string
	colour int       // from 1 to colours
	dashed bool      // for lines that others lie on
	mark   string    // for single values: met, unmet or held, one of spots. Empty: a line
	values []float64 // NaN where there is none
	show   func(float64) string
}

// colours is how many the style has.
const colours = 8

// band is a phase: from and to are places from 0 to 1.
type band struct {
	number   int
	name     string
	from, to float64
}

// figure is a chart as the page's template takes it.
type figure struct {
	Title, Note string
	Legend      []legend
	Axis, Plot  template.HTML // of SVG
	Hover       hover
}

type legend struct {
	Name   string
	Colour int
	Dashed bool
	Bar    bool
	Kind   string // of Mark
	Mark   template.HTML
}

// hover is what the page's script shows under the pointer: at each place, from 0 to
// 10,000, the moment and each series' value, written out.
type hover struct {
	At     []int      `json:"at"`
	Moment []string   `json:"moment"`
	Series []hoverRow `json:"series"`
}

type hoverRow struct {
	Name   string   `json:"name"`
	Colour int      `json:"colour"`
	Values []string `json:"values"`
}

// draw makes the figure. It is fit for a page of any width: the text is outside the
// part that is stretched.
func (c *chart) draw() figure {
	f := figure{Title: c.title, Note: c.note}
	for _, s := range c.series {
		f.Legend = append(f.Legend, legend{s.name, s.colour, s.dashed, c.bars, s.mark, spots[s.mark]})
	}
	f.Axis, f.Plot = c.drawAxis(), c.drawPlot()
	f.Hover = c.hover()
	return f
}

func (c *chart) hover() hover {
	h := hover{}
	for _, x := range c.at {
		h.At = append(h.At, int(math.Round(c.x.place(x)*10000)))
		h.Moment = append(h.Moment, c.moment(x))
	}
	for _, s := range c.series {
		row := hoverRow{Name: s.name, Colour: s.colour}
		for _, v := range s.values {
			text := show.Missing
			if !math.IsNaN(v) {
				text = s.show(v)
			}
			row.Values = append(row.Values, text)
		}
		h.Series = append(h.Series, row)
	}
	return h
}

// drawAxis is the labels of the vertical axis, right-aligned, in a column of its own.
func (c *chart) drawAxis() template.HTML {
	var d drawing
	d.open(`<svg class="axis" width="54" height="`, total(), `" aria-hidden="true">`)
	for _, t := range c.y.ticks {
		d.text(`x="50" y="`+num(top(t.at)+4)+`" text-anchor="end"`, t.label)
	}
	d.raw("</svg>")
	return d.html()
}

func (c *chart) drawPlot() template.HTML {
	var d drawing
	d.open(`<svg class="plot" width="100%" height="`, total(), `" aria-hidden="true">`)
	for i, b := range c.bands {
		d.band(i, b)
	}
	for _, t := range c.y.ticks {
		if c.bars && t.label != "" {
			continue // a lane's middle
		}
		y := num(math.Round(top(t.at)) + 0.5)
		d.raw(`<line class="grid" x1="0" x2="100%" y1="` + y + `" y2="` + y + `"/>`)
	}
	for _, t := range c.x.ticks {
		d.tick(t)
	}
	d.raw(`<svg y="` + num(bandHeight) + `" width="100%" height="` + num(plotHeight) + `" viewBox="0 0 ` + num(plotUnits) + ` ` + num(plotHeight) + `" preserveAspectRatio="none">`)
	if c.bars {
		c.drawBars(&d)
	} else {
		c.drawLines(&d)
	}
	d.raw("</svg>")
	c.drawLimit(&d)
	c.drawMarks(&d)
	d.raw(`<line class="base" x1="0" x2="100%" y1="` + num(bandHeight+plotHeight+0.5) + `" y2="` + num(bandHeight+plotHeight+0.5) + `"/>`)
	d.raw(`<line class="cursor" x1="0" x2="0" y1="` + num(bandHeight) + `" y2="` + num(bandHeight+plotHeight) + `"/></svg>`)
	return d.html()
}

// drawLines draws each series, the first on top of the others. A missing value
// interrupts the line, and a value between two missing ones is a dot.
func (c *chart) drawLines(d *drawing) {
	for i := len(c.series) - 1; i >= 0; i-- {
		s := c.series[i]
		if s.mark != "" {
			continue
		}
		class := "line s" + strconv.Itoa(s.colour)
		if s.dashed {
			class += " dashed"
		}
		d.raw(`<path class="` + class + `" d="`)
		drawing := false
		for j, v := range s.values {
			x, y := c.x.place(c.at[j]), c.y.place(v)
			if math.IsNaN(y) {
				drawing = false
				continue
			}
			p := num(x*plotUnits) + " " + num((1-y)*plotHeight)
			if drawing {
				d.raw("L" + p)
			} else {
				d.raw("M" + p + "h0")
			}
			drawing = true
		}
		d.raw(`"/>`)
	}
}

// spots are the marks of single values, drawn around 0 0. They differ by form as well as
// by colour.
var spots = map[string]template.HTML{
	"met":   `<circle r="5"/>`,
	"unmet": `<path d="M-5-5L5 5M5-5L-5 5"/>`,
	"held":  `<path d="M0-6L6 0L0 6L-6 0z"/>`,
}

// drawMarks draws the series that are no lines, the first on top: outside of the part that
// is stretched, so that a mark keeps its form.
func (c *chart) drawMarks(d *drawing) {
	for i := len(c.series) - 1; i >= 0; i-- {
		s := c.series[i]
		for j, v := range s.values {
			if y := c.y.place(v); s.mark != "" && !math.IsNaN(y) {
				d.raw(`<svg class="spot ` + s.mark + ` s` + strconv.Itoa(s.colour) + `" x="` + percent(c.x.place(c.at[j])) + `" y="` + num(top(y)) + `">` + string(spots[s.mark]) + `</svg>`)
			}
		}
	}
}

func (c *chart) drawLimit(d *drawing) {
	if c.limit == nil {
		return
	}
	y := top(c.limit.at)
	d.raw(`<line class="limit" x1="0" x2="100%" y1="` + num(y) + `" y2="` + num(y) + `"/>`)
	d.text(`class="limit" x="4" y="`+num(y-5)+`"`, c.limit.label)
}

// lanes gives each series a row of bars with a scale of its own, the first on top, so
// that one loss is seen beside a thousand errors. The axis names the highest count of
// each.
func (c *chart) lanes() {
	c.bars = true
	n := float64(len(c.series))
	for i, s := range c.series {
		c.y.ticks = append(c.y.ticks, tick{at: 1 - float64(i)/n}, tick{1 - (float64(i)+0.5)/n, show.Short(largest(s.values))})
	}
}

// The share of its row that the highest bar of a lane takes, and the least of a bar that is
// not nothing.
const (
	laneFill  = 0.8
	laneLeast = 0.12
)

// drawBars draws each series in its lane.
func (c *chart) drawBars(d *drawing) {
	half := 0.5
	if len(c.at) > 1 {
		half = (c.x.place(c.at[1]) - c.x.place(c.at[0])) / 2
	}
	height := plotHeight / float64(len(c.series))
	for i, s := range c.series {
		bottom := num(height * float64(i+1))
		most := largest(s.values)
		d.raw(`<path class="bar s` + strconv.Itoa(s.colour) + `" d="`)
		for j, v := range s.values {
			if !(v > 0) {
				continue
			}
			middle := c.x.place(c.at[j])
			left, right := math.Max(middle-half*0.9, 0), math.Min(middle+half*0.9, 1)
			d.raw("M" + num(left*plotUnits) + " " + bottom + "v-" + num(height*laneFill*math.Max(v/most, laneLeast)) + "H" + num(right*plotUnits) + "V" + bottom + "z")
		}
		d.raw(`"/>`)
	}
}

func total() string { return num(bandHeight + plotHeight + tickHeight) }

// top is the distance from the figure's top of a place on the vertical scale.
func top(at float64) float64 { return bandHeight + (1-at)*plotHeight }
