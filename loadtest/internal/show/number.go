package show

import (
	"math"
	"strconv"
	"strings"
)

// Missing stands for a figure that nobody has.
const Missing = "–"

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
