package result

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Number writes a figure for people: to three digits, and whole from 100 on, with
// commas between thousands. What is not a number is a dash.
func Number(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "–"
	case v < 0:
		return "-" + Number(-v)
	case v >= 99.95:
		return Whole(int64(math.Round(min(v, 1e18))))
	case v == 0:
		return "0"
	}
	places := 2 - int(math.Floor(math.Log10(v)))
	s := strconv.FormatFloat(v, 'f', min(places, 9), 64)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// Whole writes 1,234,567.
func Whole(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Percent writes n of all as 0.01 %. It is never rounded to 100 %, nor to 0 %, if it is
// not that.
func Percent(n, all int64) string {
	v := 100 * float64(n) / float64(all)
	if all == 0 {
		return "– %"
	}
	s := Number(v)
	for places := 1; n < all && s == "100" && places < 16; places++ {
		if s = strconv.FormatFloat(v, 'f', places, 64); strings.HasPrefix(s, "100") {
			s = "100"
		}
	}
	return s + " %"
}

// Time writes a duration in s, ms or µs, to three digits.
func Time(d time.Duration) string {
	switch {
	case d >= time.Second:
		return Number(d.Seconds()) + " s"
	case d >= time.Millisecond:
		return Number(float64(d)/float64(time.Millisecond)) + " ms"
	}
	return strconv.FormatInt(d.Microseconds(), 10) + " µs"
}
