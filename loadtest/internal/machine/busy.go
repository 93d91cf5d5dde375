package machine

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// Ticks are what all processors of the machine together have done since it was started,
// in the kernel's unit.
type Ticks struct{ Busy, All int64 }

// ReadTicks is now. Both are 0 where that is not known.
func ReadTicks() Ticks {
	raw, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(raw), "\n")
	return parseTicks(line)
}

// parseTicks reads the first line of /proc/stat (proc_stat(5)): user, nice, system, idle,
// iowait, irq, softirq, steal. What comes then is part of user and nice.
func parseTicks(line string) (t Ticks) {
	fields := strings.Fields(line)
	if len(fields) < 9 || fields[0] != "cpu" {
		return Ticks{}
	}
	for i, f := range fields[1:9] {
		n, _ := strconv.ParseInt(f, 10, 64)
		t.All += n
		if i != 3 && i != 4 {
			t.Busy += n
		}
	}
	return t
}

// Since is what was done from one moment to a later one, t.
func (t Ticks) Since(before Ticks) Ticks {
	if before.All == 0 || t.All < before.All {
		return Ticks{}
	}
	return Ticks{t.Busy - before.Busy, t.All - before.All}
}

// Share is how busy the machine was, from 0 to 1. -1: not known.
func (t Ticks) Share() float64 {
	if t.All == 0 {
		return -1
	}
	return float64(t.Busy) / float64(t.All)
}

// Local reports whether all servers are on this machine. One whose name cannot be looked
// up is not.
func Local(ctx context.Context, urls []string) bool {
	own := map[netip.Addr]bool{}
	addresses, _ := net.InterfaceAddrs()
	for _, a := range addresses {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			own[prefix.Addr()] = true
		}
	}
	for _, raw := range urls {
		u, err := url.Parse(raw)
		if err != nil {
			return false
		}
		found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
		if err != nil || len(found) == 0 {
			return false
		}
		for _, a := range found {
			if a = a.Unmap(); !a.IsLoopback() && !own[a] {
				return false
			}
		}
	}
	return true
}
