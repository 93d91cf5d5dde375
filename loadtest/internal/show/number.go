package show

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Missing stands for a figure that nobody has.
const Missing = "–"

// Count writes a whole number with a comma for each thousand.
func Count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	for i, d := range []byte(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteByte(d)
	}
	return sign + b.String()
}

// Rate writes a number per second, or another measured number, with three digits or
// more: 0.25, 12.3, 4,870. Missing if it is not a number.
func Rate(x float64) string {
	switch a := math.Abs(x); {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return Missing
	case x == 0:
		return "0"
	case a < 9.995:
		return strconv.FormatFloat(x, 'f', 2, 64)
	case a < 99.95:
		return strconv.FormatFloat(x, 'f', 1, 64)
	case a < 1e15:
		return Count(int64(math.Round(x)))
	default:
		return strconv.FormatFloat(x, 'e', 2, 64)
	}
}

// Short writes a number in at most five characters: 950, 12.5k, 3M.
func Short(x float64) string {
	switch a := math.Abs(x); {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return Missing
	case a >= 999.5e6:
		return trim(x/1e9) + "G"
	case a >= 999.5e3:
		return trim(x/1e6) + "M"
	case a >= 999.5:
		return trim(x/1e3) + "k"
	default:
		return trim(x)
	}
}

// trim writes three significant digits without zeros at the end of a fraction.
func trim(x float64) string {
	decimals := 2
	switch a := math.Abs(x); {
	case a >= 99.95:
		decimals = 0
	case a >= 9.995:
		decimals = 1
	}
	s := strconv.FormatFloat(x, 'f', decimals, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// Time writes a latency with three digits, in milliseconds below a second.
func Time(d time.Duration) string {
	switch ms := float64(d) / float64(time.Millisecond); {
	case d == 0:
		return "0 ms"
	case ms < 9.995:
		return strconv.FormatFloat(ms, 'f', 2, 64) + " ms"
	case ms < 99.95:
		return strconv.FormatFloat(ms, 'f', 1, 64) + " ms"
	case ms < 999.5:
		return strconv.FormatFloat(ms, 'f', 0, 64) + " ms"
	case ms < 9995:
		return strconv.FormatFloat(ms/1000, 'f', 2, 64) + " s"
	default:
		return strconv.FormatFloat(ms/1000, 'f', 1, 64) + " s"
	}
}

// Clock writes seconds of a run as 0:07 or 1:02:03. Less than none is none.
func Clock(seconds float64) string {
	if math.IsNaN(seconds) || seconds < 0 {
		seconds = 0
	}
	s := int64(math.Min(seconds, 1e9) + 0.5)
	if s < 3600 {
		return strconv.FormatInt(s/60, 10) + ":" + two(s%60)
	}
	return strconv.FormatInt(s/3600, 10) + ":" + two(s/60%60) + ":" + two(s%60)
}

func two(n int64) string {
	if n < 10 {
		return "0" + strconv.FormatInt(n, 10)
	}
	return strconv.FormatInt(n, 10)
}

// Bytes writes a size with three digits. Missing if it is negative.
func Bytes(n int64) string {
	switch {
	case n < 0:
		return Missing
	case n < 1000:
		return strconv.FormatInt(n, 10) + " B"
	}
	x := float64(n)
	for _, unit := range []string{"KiB", "MiB", "GiB"} {
		x /= 1024
		if x < 999.5 {
			return trim(x) + " " + unit
		}
	}
	return trim(x/1024) + " TiB"
}

// Percent writes a share of a whole, with as many digits as tell it from 0 and from
// all: 0.0004%, 99.9996%. Missing if the whole is nothing.
func Percent(part, whole int64) string {
	switch {
	case whole == 0:
		return Missing
	case part == 0:
		return "0%"
	case part == whole:
		return "100%"
	}
	p := 100 * float64(part) / float64(whole)
	decimals := 2
	for near := math.Min(math.Abs(p), math.Abs(100-p)); decimals < 9 && near < 0.95*math.Pow10(-decimals); {
		decimals++
	}
	return strconv.FormatFloat(p, 'f', decimals, 64) + "%"
}
