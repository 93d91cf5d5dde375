package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

const debugKey = "for-profiles-of-a-test"

// footprint is what a process holds, in bytes.
type footprint struct {
	live     float64 // of the heap: what a collection found in use
	stacks   float64
	spans    float64 // of the heap: what the first lies in
	resident float64
	burst    float64 // resident before anything was handed back
}

// TestTokensCostLittleMemory: an idle client with a token costs at most a tenth more than
// one without. That is the room of its user, its grants and the end of its token, and not
// the token.
//
// It holds that of what connections keep, which is the same in each run. What is resident
// also depends on when the collector ran last while they came; it is shown, and
// CAUSEWAY_ROUNDS=5 takes medians.
func TestTokensCostLittleMemory(t *testing.T) {
	const clients, mostPercent = 10_000, 10
	t.Parallel()
	rounds := 1
	if n, err := strconv.Atoi(os.Getenv("CAUSEWAY_ROUNDS")); err == nil {
		rounds = n
	}
	config := filepath.Join(t.TempDir(), "gateway.yaml")
	if err := os.WriteFile(config, []byte("access: {keys: [{name: app, algorithms: [HS256], secret: "+tokenSecret+"}]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var without, with []footprint
	for range rounds {
		t.Run("without", func(t *testing.T) {
			without = append(without, idle(t, clients, func(int) string { return "40" }))
		})
		t.Run("with", func(t *testing.T) {
			with = append(with, idle(t, clients, func(i int) string {
				return `40{"token":"` + token(t, claims{
					"sub": fmt.Sprint("user-", i), "iss": "https://login.example", "aud": []string{"chat"}, "iat": time.Now().Unix(), "nbf": time.Now().Unix() - 5,
					"allow": claims{"join": []string{"tea:*"}, "publish": []string{"tea:*", "news"}},
				}) + `"}`
			}, "--config", config))
		})
	}
	if len(without) < rounds || len(with) < rounds {
		return // it has failed
	}
	compare := func(what string, of func(footprint) float64) (percent float64) {
		a, b := median(without, of), median(with, of)
		percent = 100 * (b/a - 1)
		t.Logf("%s: %.0f bytes for each client without a token, %.0f with: %+.1f %%", what, a, b, percent)
		return percent
	}
	if more := compare("live heap and stacks", func(f footprint) float64 { return f.live + f.stacks }); more > mostPercent {
		t.Errorf("a token costs %.1f %%, want at most %d %%", more, mostPercent)
	}
	compare("spans of the heap", func(f footprint) float64 { return f.spans })
	compare("resident right after their burst", func(f footprint) float64 { return f.burst })
	compare("resident", func(f footprint) float64 { return f.resident })
}

func median(all []footprint, of func(footprint) float64) float64 {
	values := make([]float64, len(all))
	for i, f := range all {
		values[i] = of(f)
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// idle is what each of n clients costs a gateway, once it has handed back what their burst
// took.
func idle(t *testing.T, n int, connect func(i int) string, flags ...string) footprint {
	t.Helper()
	s := start(t, plainProgram, append([]string{"--dev", "--debug-key", debugKey, "--ping-interval", "5m"}, flags...)...)
	const first = 100 // what they need is needed once: code, pools, tables
	joinAll(t, s, 0, first, connect)
	before := s.footprint()
	joinAll(t, s, first, first+n, connect)
	burst := float64(s.residentKiB()) * 1024
	s.expectTrims(t, 1)
	after := s.footprint()
	each := func(before, after float64) float64 { return (after - before) / float64(n) }
	return footprint{
		live: each(before.live, after.live), stacks: each(before.stacks, after.stacks), spans: each(before.spans, after.spans),
		resident: each(before.resident, after.resident), burst: each(before.resident, burst),
	}
}

// joinAll connects clients, and returns when all are there.
func joinAll(t *testing.T, s *server, from, to int, connect func(i int) string) {
	t.Helper()
	const dialers = 8
	var dials sync.WaitGroup
	for dialer := range dialers {
		dials.Go(func() {
			for i := from + dialer; i < to && !t.Failed(); i += dialers {
				joinRoot(t, s.public, connect(i))
			}
		})
	}
	dials.Wait()
	eventually(t, patience, "all clients", func() error {
		if there := s.metrics().sum("gateway_sessions"); there != float64(to) {
			return fmt.Errorf("%v are connected", there)
		}
		return nil
	})
}

// joinRoot connects a client to "/" by a CONNECT packet, and leaves it alone.
func joinRoot(t *testing.T, address, packet string) {
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		t.Error(err)
		return
	}
	_ = conn.(*net.TCPConn).SetLinger(0) // no port is left in TIME_WAIT: they would be a third of all
	t.Cleanup(func() { _ = conn.Close() })
	write(t, conn, upgradeRequest(webSocketQuery)+frame(textFrame, packet))
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	var got []byte
	buf := make([]byte, 512)
	for !bytes.Contains(got, []byte(`40{"sid":`)) {
		n, err := conn.Read(buf)
		if err != nil {
			t.Errorf("connect: %v after %q", err, got)
			return
		}
		got = append(got, buf[:n]...)
	}
}

// footprint has the process collect: what is resident is looked at before that, the rest
// after it.
func (s *server) footprint() footprint {
	s.t.Helper()
	f := footprint{resident: float64(s.residentKiB()) * 1024}
	for range 2 { // pools keep what they have for one collection
		s.collect()
	}
	m := s.metrics()
	f.live, f.stacks, f.spans = m.sum("go_gc_heap_live_bytes"), m.sum("go_memstats_stack_inuse_bytes"), m.sum("go_memstats_heap_inuse_bytes")
	if f.live == 0 || f.stacks == 0 || f.spans == 0 {
		s.t.Fatalf("%+v: a metric is missing", f)
	}
	return f
}

// collect runs the garbage collector of the process, by a profile of its heap.
func (s *server) collect() {
	s.t.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://"+s.internal+"/debug/pprof/heap?gc=1", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+debugKey)
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK {
		s.t.Fatalf("profile: %s, %v", response.Status, err)
	}
}
