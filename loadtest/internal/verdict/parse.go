// Package verdict says whether a result is what was expected of it. An expectation is
// a name, an operator and a value, as in delivery_p99<50ms; several are joined by
// commas.
//
// Names are
//
//   - the counts of result.Counts and audit.Sums by their names in the JSON, such as
//     lost or connect_errors. With % they are a share: of attempts, of what was due, of
//     connections, as fits (shares.go);
//   - connect_, ack_, delivery_ and reconnect_ with p50, p75, p90, p95, p99, p999,
//     p9999 or max, with one of the units us, ms and s;
//   - the figures of result.Figures, such as delivered_per_s and cpu_us_per_delivery,
//     without a unit: it is in the name.
//
// Operators are <, <=, =, >= and >. What was not measured meets no expectation: a
// server that let nobody in has lost nothing, and has not passed.
package verdict

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// Expectations are what Parse made of a text. They may be used by several goroutines.
type Expectations []expectation

type expectation struct {
	text    string // as it was given
	measure measure
	op      string
	value   float64
	unit    string
}

// shape takes apart what may be an expectation. The value is checked after the name,
// so that an error is about the first word that is wrong.
var shape = regexp.MustCompile(`^([^<>=\s]+)\s*(<=|>=|<|=|>)\s*([^<>=\s]*)$`)

var number = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?|\.[0-9]+)([a-zµ%]*)$`)

// Parse reads expectations. An empty text expects nothing. An error is one line, which
// names the expectation, the word in it and what is allowed.
func Parse(text string) (Expectations, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	var all Expectations
	for one := range strings.SplitSeq(text, ",") {
		e, err := parse(strings.TrimSpace(one))
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

func parse(text string) (expectation, error) {
	if text == "" {
		return expectation{}, fmt.Errorf("expectation %q: nothing between two commas, or at an end", text)
	}
	parts := shape.FindStringSubmatch(text)
	if parts == nil {
		return expectation{}, fmt.Errorf("expectation %q: not a name, one of < <= = >= > and a value, as in delivery_p99<50ms", short(text))
	}
	m, err := find(parts[1])
	if err != nil {
		return expectation{}, fmt.Errorf("expectation %q: %w", short(text), err)
	}
	e := expectation{text: text, measure: m, op: parts[2]}
	if e.value, e.unit, err = value(parts[3], m.units); err != nil {
		return expectation{}, fmt.Errorf("expectation %q: %w", short(text), err)
	}
	return e, nil
}

// value reads a number and its unit. Times become seconds, and shares stay percent.
func value(text string, allowed []string) (float64, string, error) {
	parts := number.FindStringSubmatch(text)
	if parts == nil {
		return 0, "", fmt.Errorf("%q is no value, as %s", short(text), example(allowed))
	}
	unit := strings.Replace(parts[2], "µ", "u", 1)
	for _, u := range allowed {
		if u != unit {
			continue
		}
		v, err := strconv.ParseFloat(parts[1], 64)
		if err != nil {
			return 0, "", fmt.Errorf("%q is no value: too large", short(text))
		}
		return v * scale(unit), unit, nil
	}
	if unit == "" {
		return 0, "", fmt.Errorf("%q needs a unit, as %s", short(text), example(allowed))
	}
	return 0, "", fmt.Errorf("unit %q is not allowed here; a value is as %s", short(unit), example(allowed))
}

func scale(unit string) float64 {
	switch unit {
	case "us":
		return time.Microsecond.Seconds()
	case "ms":
		return time.Millisecond.Seconds()
	}
	return 1
}

// example is a value in each of the units.
func example(units []string) string {
	var out []string
	for _, u := range units {
		out = append(out, "5"+u)
	}
	return strings.Join(out, ", ")
}

// find returns what a name stands for.
func find(name string) (measure, error) {
	if m, ok := counts[name]; ok {
		return m, nil
	}
	for _, f := range result.Figures {
		if f.Name == name {
			return figure(f), nil
		}
	}
	for _, l := range result.LatencyFields {
		rest, ok := strings.CutPrefix(name, l.Name+"_")
		if !ok {
			continue
		}
		for _, q := range result.Quantiles {
			if q.Name == rest {
				return quantile(l.Name, q.Name), nil
			}
		}
		return measure{}, fmt.Errorf("no quantile %q; there are %s", short(rest), quantileNames())
	}
	return measure{}, fmt.Errorf("nothing is called %q; there are %s", short(name), Names())
}

// Names are all that may be expected, for people to read.
func Names() string {
	var plain, prefixes []string
	for _, f := range result.SumFields {
		plain = append(plain, f.Name)
	}
	for _, f := range result.CountFields {
		if f.Name != "published" { // in both
			plain = append(plain, f.Name)
		}
	}
	for _, f := range result.Figures {
		plain = append(plain, f.Name)
	}
	for _, f := range result.LatencyFields {
		prefixes = append(prefixes, f.Name+"_")
	}
	return strings.Join(plain, ", ") + ", and " + strings.Join(prefixes, ", ") + " with " + quantileNames()
}

func quantileNames() string {
	var out []string
	for _, q := range result.Quantiles {
		out = append(out, q.Name)
	}
	return strings.Join(out, ", ")
}

// short keeps an error readable, whatever was typed.
func short(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}
