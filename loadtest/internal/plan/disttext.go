package plan

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// DistSyntax is how distributions are written, for messages and help.
const DistSyntax = "128, 64..1024, normal(200,50), exp(300) or mix(90:128, 10:4k)"

var errDist = errors.New("want " + DistSyntax + "; sizes as 128, 4k or 1M, times as 500ms or 2s")

// The most that a distribution's text and nesting may be.
const (
	maxDistBytes = 1000
	maxDistDepth = 4
)

// ParseDist reads a distribution: a number, from..to (uniform), normal(mean,
// deviation), exp(mean), or mix(weight:distribution, …). A size may end in k or M, of
// 1024 and 1024² bytes; a time ends in ms, s, m or h. "" is the zero value.
func ParseDist(text string) (Dist, error) {
	if strings.TrimSpace(text) == "" {
		return Dist{}, nil
	}
	if len(text) > maxDistBytes {
		return Dist{}, fmt.Errorf("want %d characters at most", maxDistBytes)
	}
	var p distParser
	d := p.dist(text, 1)
	if p.err != nil || d.IsZero() {
		return Dist{}, p.err
	}
	d.Unit = p.unit
	return d, nil
}

// distParser reads one text. All numbers in it have the same unit, but 0 has any.
type distParser struct {
	unit    string
	hasUnit bool
	err     error
}

func (p *distParser) dist(text string, depth int) (d Dist) {
	name, inner, isCall := strings.Cut(strings.TrimSpace(text), "(")
	if !isCall {
		return p.plain(text)
	}
	inner, closed := strings.CutSuffix(inner, ")")
	args := splitArgs(inner)
	switch {
	case !closed || depth > maxDistDepth:
		p.err = errDist
	case name == "normal" && len(args) == 2:
		d = Dist{Kind: Normal, A: p.number(args[0]), B: p.number(args[1])}
	case name == "exp" && len(args) == 1:
		d = Dist{Kind: Exponential, A: p.number(args[0])}
	case name == "mix":
		d.Kind = Mix
		for _, arg := range args {
			d.Mix = append(d.Mix, p.weighted(arg, depth))
		}
	default:
		p.err = errDist
	}
	return d
}

// plain reads 128 or 64..1024.
func (p *distParser) plain(text string) Dist {
	from, to, isRange := strings.Cut(text, "..")
	if !isRange {
		return Dist{Kind: Constant, A: p.number(text)}
	}
	d := Dist{Kind: Uniform, A: p.number(from), B: p.number(to)}
	if d.B < d.A {
		p.err = errDist
	}
	return d
}

func (p *distParser) weighted(text string, depth int) Weighted {
	weight, of, ok := strings.Cut(text, ":")
	w, err := strconv.ParseFloat(strings.TrimSpace(weight), 64)
	if !ok || err != nil || !(w > 0 && w <= 1e9) {
		p.err = errDist
		return Weighted{}
	}
	return Weighted{w, p.dist(of, depth+1)}
}

// The units, the longer ones first where one ends as another does.
var units = []struct {
	suffix string
	factor float64
	unit   string
}{
	{"ms", 1e-3, "s"}, {"s", 1, "s"}, {"m", 60, "s"}, {"h", 3600, "s"},
	{"k", 1 << 10, ""}, {"M", 1 << 20, ""},
}

func (p *distParser) number(text string) float64 {
	text, factor, unit := strings.TrimSpace(text), 1.0, ""
	for _, u := range units {
		if rest, ok := strings.CutSuffix(text, u.suffix); ok {
			text, factor, unit = rest, u.factor, u.unit
			break
		}
	}
	n, err := strconv.ParseFloat(text, 64)
	n *= factor
	switch {
	case err != nil || !(n >= 0 && n <= MaxPayload):
		p.err = errDist
	case n == 0:
	case p.hasUnit && p.unit != unit:
		p.err = errDist
	default:
		p.unit, p.hasUnit = unit, true
	}
	return n
}

// splitArgs splits at the commas that are not within parentheses.
func splitArgs(s string) (out []string) {
	depth, start := 0, 0
	for i, c := range []byte(s) {
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		case ',':
			if depth == 0 {
				out = append(out, s[start:i])
				start = i + 1
			}
		}
	}
	return append(out, s[start:])
}

// String writes d as ParseDist reads it.
func (d Dist) String() string { return d.text(d.Unit) }

func (d Dist) text(unit string) string {
	a, b := numberText(d.A, unit), numberText(d.B, unit)
	switch d.Kind {
	case Constant:
		return a
	case Uniform:
		return a + ".." + b
	case Normal:
		return "normal(" + a + "," + b + ")"
	case Exponential:
		return "exp(" + a + ")"
	case Mix:
		parts := make([]string, len(d.Mix))
		for i, w := range d.Mix {
			parts[i] = strconv.FormatFloat(w.Weight, 'g', -1, 64) + ":" + w.Of.text(unit)
		}
		return "mix(" + strings.Join(parts, ", ") + ")"
	}
	return "0"
}

// numberText writes a size with k or M where it is a whole number of them, and a time
// in one unit.
func numberText(n float64, unit string) string {
	suffix := ""
	switch {
	case n == 0:
	case unit != "" && n < 1:
		n, suffix = n*1000, "ms"
	case unit != "":
		suffix = "s"
	case n == float64(int(n)) && int(n)%(1<<20) == 0:
		n, suffix = n/(1<<20), "M"
	case n == float64(int(n)) && int(n)%(1<<10) == 0:
		n, suffix = n/(1<<10), "k"
	}
	return strconv.FormatFloat(n, 'f', -1, 64) + suffix
}

// MarshalText is String.
func (d Dist) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText is ParseDist.
func (d *Dist) UnmarshalText(b []byte) (err error) {
	*d, err = ParseDist(string(b))
	return err
}

// Size is a distribution of one size in bytes.
func Size(bytes int) Dist { return Dist{Kind: Constant, A: float64(bytes)} }

// Time is a distribution of one time.
func Time(d time.Duration) Dist { return Dist{Kind: Constant, A: d.Seconds(), Unit: "s"} }

// ExpTime is an exponential distribution of times with mean d.
func ExpTime(d time.Duration) Dist { return Dist{Kind: Exponential, A: d.Seconds(), Unit: "s"} }
