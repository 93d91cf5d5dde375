package result

import (
	"math"
	"testing"
	"time"
)

func TestFiguresForPeople(t *testing.T) {
	for want, got := range map[string]string{
		"0": Number(0), "5": Number(5), "50": Number(50), "0.25": Number(.25), "12.3": Number(12.345), "99.9": Number(99.94), "100": Number(99.96),
		"1,235": Number(1234.6), "1.5": Number(1.5), "0.00012": Number(.00012), "-3.5": Number(-3.5), "–": Number(math.NaN()), "10": Number(9.9999),
		"1,234,567": Whole(1234567), "-1,000": Whole(-1000), "999": Whole(999), "-999": Whole(-999),
		"0.01 %": Percent(20, 200_000), "100 %": Percent(5, 5), "99.99 %": Percent(199_980, 200_000), "99.99999 %": Percent(9_999_999, 10_000_000),
		"0.00001 %": Percent(1, 10_000_000), "– %": Percent(0, 0), "0 %": Percent(0, 9), "150 %": Percent(3, 2),
		"1.5 s": Time(1500 * time.Millisecond), "12.3 ms": Time(12_345 * time.Microsecond), "999 µs": Time(999 * time.Microsecond), "0 µs": Time(0),
		"1 s": Time(1_000_447 * time.Microsecond), "600 s": Time(10 * time.Minute),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
