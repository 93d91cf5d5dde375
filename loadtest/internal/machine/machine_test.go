package machine

import (
	"context"
	"net"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

var roomy = Limits{Descriptors: 1 << 20, Ports: 28_232, Available: 16 << 30, Loopbacks: true}

func planOf(url string, groups ...plan.Group) *plan.Plan {
	return &plan.Plan{URLs: strings.Split(url, ","), Groups: groups, Phases: []plan.Phase{{Kind: plan.Hold, Duration: time.Second}}}
}

func group(clients int, transports ...string) plan.Group {
	return plan.Group{Name: "g", Clients: clients, Transport: transports}
}

func TestThisMachineIsDescribed(t *testing.T) {
	m := Describe()
	if m.Cores != runtime.NumCPU() || m.Go != runtime.Version() || !strings.HasPrefix(m.OS, runtime.GOOS) || m.Arch == "" {
		t.Errorf("%+v", m)
	}
	if runtime.GOOS == "linux" && m.Bytes < 1<<20 {
		t.Errorf("%d bytes of memory", m.Bytes)
	}
	if l := Read(); runtime.GOOS == "linux" && (l.Descriptors == 0 || l.Ports == 0 || l.Available == 0) {
		t.Errorf("limits %+v", l)
	}
}

func TestNeedsFollowFromThePlan(t *testing.T) {
	for name, tt := range map[string]struct {
		p    *plan.Plan
		want need
	}{
		"WebSockets":   {planOf("http://h", group(1000, "websocket")), need{1000, 1000, 1000}},
		"polling":      {planOf("http://h", group(1000, "polling")), need{1000, 2000, 2000}},
		"a mix":        {planOf("http://h", group(1000, "websocket", "polling")), need{1000, 1500, 1500}},
		"two groups":   {planOf("http://h", group(1000, "websocket"), group(7, "upgrade")), need{1007, 1014, 1014}},
		"publishers":   {planOf("http://h", plan.Group{Clients: 10, Publishers: 5, Transport: []string{"websocket"}}), need{15, 15, 15}},
		"who go again": {planOf("http://h", plan.Group{Clients: 100, Stay: plan.Time(10 * time.Second), Transport: []string{"websocket"}}), need{100, 100, 700}},
		"who arrive":   {planOf("http://h", plan.Group{Arrivals: 10, Stay: plan.Time(10 * time.Second), Transport: []string{"websocket"}}), need{100, 100, 700}},
	} {
		if got := needOf(tt.p, 1); got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

func TestWhatAMachineLacksIsNamed(t *testing.T) {
	for _, tt := range []struct {
		name  string
		p     *plan.Plan
		limit func(*Limits)
		want  []string
	}{
		{"descriptors", planOf("http://127.0.0.1:3000", group(1000, "websocket")), func(l *Limits) { l.Descriptors = 1024 }, []string{"1064", "RLIMIT_NOFILE", "1024", "ulimit -Hn", "--workers"}},
		{"ports", planOf("http://192.0.2.1:3000", group(30_000, "websocket")), func(*Limits) {}, []string{"30000", "192.0.2.1:3000", "ip_local_port_range", "28232", "--source"}},
		{"ports of two names for one server", planOf("http://192.0.2.1,http://192.0.2.1:80", group(30_000, "websocket")), func(*Limits) {}, []string{"30000", "192.0.2.1:80"}},
		{"ports of those who go", planOf("http://192.0.2.1:3000", plan.Group{Clients: 5000, Stay: plan.Time(10 * time.Second), Transport: []string{"websocket"}}), func(*Limits) {}, []string{"35000", "60 s", "--source"}},
		{"IPv6 loopback", planOf("http://[::1]:3000", group(30_000, "websocket")), func(*Limits) {}, []string{"[::1]:3000", "--source"}},
		{"port without a name", planOf("http://127.0.0.1:99999", group(1, "websocket")), func(*Limits) {}, []string{"--url", "99999"}},
		{"name without address", planOf("http://name.invalid:3000", group(1, "websocket")), func(*Limits) {}, []string{"--url", "name.invalid"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := roomy
			tt.limit(&l)
			_, err := Check(t.Context(), tt.p, l)
			if err == nil {
				t.Fatal("was taken")
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not name %q", err, part)
				}
			}
		})
	}
}

func TestEnoughMachineIsNoNews(t *testing.T) {
	for name, p := range map[string]*plan.Plan{
		"few clients":             planOf("http://127.0.0.1:3000", group(1000, "websocket")),
		"many for two servers":    planOf("http://192.0.2.1:3000,http://192.0.2.2:3000", group(50_000, "websocket")),
		"limits that are unknown": planOf("http://192.0.2.1:3000", group(100_000, "websocket")),
	} {
		l := roomy
		if name == "limits that are unknown" {
			l = Limits{}
		}
		if out, err := Check(t.Context(), p, l); err != nil || len(out.Warnings) > 0 || len(out.Sources) > 0 {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
	}
}

func TestMemoryIsWarnedAbout(t *testing.T) {
	l := roomy
	l.Available = 100 << 20
	out, err := Check(t.Context(), planOf("http://127.0.0.1:3000", group(8000, "websocket")), l)
	if err != nil || len(out.Warnings) != 1 || !strings.Contains(out.Warnings[0], "125 MiB") || !strings.Contains(out.Warnings[0], "100 MiB") {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestLoopbackGetsAsManySourcesAsItNeeds(t *testing.T) {
	for _, url := range []string{"http://127.0.0.1:3000", "http://localhost:3000", "http://127.0.0.1:1,http://127.0.0.1:2"} {
		out, err := Check(t.Context(), planOf(url, group(100_000, "websocket")), roomy)
		if err != nil {
			t.Fatal(err)
		}
		if n := len(out.Sources); n < 4 || n > 20 {
			t.Errorf("%s: %d sources for 100000 clients", url, n)
		}
		seen := map[string]bool{}
		for _, s := range out.Sources {
			if a := netip.MustParseAddr(s); !a.IsLoopback() || seen[s] {
				t.Errorf("source %s", s)
			}
			seen[s] = true
		}
	}
	l := roomy
	l.Loopbacks = false
	if _, err := Check(t.Context(), planOf("http://127.0.0.1:3000", group(100_000, "websocket")), l); err == nil {
		t.Error("loopback addresses that this machine does not have were taken")
	}
}

// TestChosenSourcesCanBeUsed connects from them.
func TestChosenSourcesCanBeUsed(t *testing.T) {
	if !loopbacks {
		t.Skip("only Linux has all of 127.0.0.0/8")
	}
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for _, s := range loopback(3) {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(s)}}
		c, err := d.DialContext(t.Context(), "tcp", server.Addr().String())
		if err != nil {
			t.Errorf("from %s: %v", s, err)
			continue
		}
		c.Close()
	}
}

func TestGivenSourcesAreChecked(t *testing.T) {
	p := planOf("http://127.0.0.1:3000", group(50_000, "websocket"))
	p.Sources = []string{"127.0.0.1"}
	if _, err := Check(t.Context(), p, roomy); err == nil || !strings.Contains(err.Error(), "each of 1 source") {
		t.Errorf("one address for 50000: %v", err)
	}
	p.Sources = []string{"192.0.2.77"}
	if _, err := Check(t.Context(), p, roomy); err == nil || !strings.Contains(err.Error(), `--source="192.0.2.77"`) {
		t.Errorf("somebody else's address: %v", err)
	}
	p.Groups[0].Clients = 20_000
	p.Sources = []string{"127.0.0.1"}
	if out, err := Check(t.Context(), p, roomy); err != nil || !slices.Equal(out.Sources, p.Sources) {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestCheckEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Check(ctx, planOf("http://name.invalid:3000", group(1, "websocket")), roomy); err == nil {
		t.Error("a name was looked up after the end")
	}
}
