package machine

import (
	"testing"
	"time"
)

func TestShareOfABusyMachine(t *testing.T) {
	before := parseTicks("cpu  100 10 50 800 40 0 0 0 90 0")
	after := parseTicks("cpu  180 10 60 810 40 5 4 1 95 0")
	if before != (Ticks{160, 1000}) {
		t.Errorf("%+v", before)
	}
	if share := after.Since(before).Share(); share != 100./110 {
		t.Errorf("share %v", share)
	}
	for _, line := range []string{"", "cpu", "intr 1 2 3 4 5 6 7 8 9"} {
		if got := parseTicks(line); got != (Ticks{}) || after.Since(got).Share() != -1 {
			t.Errorf("%q: %+v", line, got)
		}
	}
	if after.Since(after).Share() != -1 || before.Since(after).Share() != -1 {
		t.Error("no time has gone by, and something is known of it")
	}
}

func TestThisMachineIsMeasured(t *testing.T) {
	if loopbacks && ReadTicks() == (Ticks{}) {
		t.Error("nothing is known of the processors")
	}
	began, until := ReadTicks(), time.Now().Add(5*time.Second)
	for began.All > 0 && ReadTicks().Since(began).Share() <= 0 {
		if time.Now().After(until) {
			t.Fatal("a machine that runs this loop is never busy")
		}
	}
}

func TestServersOfThisMachineAreTold(t *testing.T) {
	for url, want := range map[string]bool{"http://127.0.0.1:3000": true, "http://[::1]:3000": true, "http://192.0.2.1:3000": false, "http://name.invalid": false, ":": false} {
		if got := Local(t.Context(), []string{"http://127.0.0.1:1", url}); got != want {
			t.Errorf("%s: %v", url, got)
		}
	}
}
