package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/internal/redistest"
)

// floodTime is how long one client floods, and how long the others are watched before.
// With CAUSEWAY_FLOOD=30s the test is the whole one: for a machine that does nothing else,
// as it then allows nothing for what others do there.
func floodTime(t *testing.T) (d, slack time.Duration) {
	t.Helper()
	long := os.Getenv("CAUSEWAY_FLOOD")
	if long == "" {
		return 1500 * time.Millisecond, 20 * time.Millisecond
	}
	d, err := time.ParseDuration(long)
	if err != nil {
		t.Fatal(err)
	}
	return d, 0
}

// One client that sends 50,000 events of 100 bytes a second is read at the rate that it
// may have, and the others notice nothing.
func TestFloodOfEventsDoesNotDelayOthers(t *testing.T) {
	duration, slack := floodTime(t)
	s := start(t, plainProgram, "--dev", limits(t, "{events_per_connection: {per_second: 1000, burst: 2000}}")) // the default without --dev
	others := make([]*wsClient, 10)
	for i := range others {
		others[i] = joinedWS(t, s.public)
	}
	alone := p99(askEvery(t, others, duration))
	sent, stop := startFlood(t, s.public, 50_000)
	during := p99(askEvery(t, others, duration))
	stop()
	m := s.metrics()
	taken, throttled := m.sum("gateway_events_total"), m.sum("gateway_clients_throttled_total")
	t.Logf("p99 %v alone, %v during %v of flood; %d events sent, %v events taken of all clients, throttled %v times", alone, during, duration, sent.Load(), taken, throttled)
	if during > 3*alone+slack {
		t.Errorf("p99 %v, alone %v", during, alone)
	}
	if throttled == 0 {
		t.Error("nothing was throttled")
	}
}

// askEvery lets each client ask every 2 ms, and returns how long the answers took.
func askEvery(t *testing.T, clients []*wsClient, duration time.Duration) (took []time.Duration) {
	t.Helper()
	var mu sync.Mutex
	var asking sync.WaitGroup
	over := time.Now().Add(duration)
	for _, c := range clients {
		asking.Go(func() {
			var own []time.Duration
			for time.Now().Before(over) {
				begin := time.Now()
				c.nextAck++
				c.send(fmt.Sprintf(`42%d["leave","nowhere"]`, c.nextAck))
				if !answered(c, fmt.Sprintf("43%d[", c.nextAck)) {
					t.Error("no answer")
					return
				}
				own = append(own, time.Since(begin))
				time.Sleep(2*time.Millisecond - time.Since(begin))
			}
			mu.Lock()
			took = append(took, own...)
			mu.Unlock()
		})
	}
	asking.Wait()
	return took
}

func answered(c *wsClient, prefix string) bool {
	select {
	case p, open := <-c.packets:
		return open && strings.HasPrefix(p.data, prefix)
	case <-time.After(patience):
		return false
	}
}

func p99(took []time.Duration) time.Duration {
	slices.Sort(took)
	return took[len(took)*99/100]
}

// startFlood lets a client send events at a rate, or as fast as they are taken.
func startFlood(t *testing.T, address string, perSecond int) (sent *atomic.Int64, stop func()) {
	t.Helper()
	conn := dialTCP(t, address)
	write(t, conn, upgradeRequest(webSocketQuery)+frame(textFrame, "40"))
	const each = 10 * time.Millisecond
	n := perSecond / int(time.Second/each)
	event := `42["publish","nobody","x","` + strings.Repeat("x", 70) + `"]`
	batch := strings.Repeat(frame(textFrame, event), n)
	sent = new(atomic.Int64)
	var running sync.WaitGroup
	quit := make(chan struct{})
	running.Go(func() { _, _ = io.Copy(io.Discard, conn) })
	running.Go(func() {
		tick := time.NewTicker(each)
		defer tick.Stop()
		_ = conn.SetWriteDeadline(time.Time{})
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			if _, err := io.WriteString(conn, batch); err != nil {
				return
			}
			sent.Add(int64(n))
		}
	})
	return sent, func() {
		close(quit)
		_ = conn.Close()
		running.Wait()
	}
}

// Clients that connect and go, over and over, get in at the rate that is allowed; who is
// connected does not notice, and nothing is left of them.
func TestReconnectLoopIsLimited(t *testing.T) {
	const perSecond, burst, loops = 50, 100, 8
	s := startGateway(t, append(quick, limits(t, fmt.Sprintf("{handshakes_per_address: {per_second: %d, burst: %d}}", perSecond, burst)))...)
	watch := startEcho(t, s)
	baseline := s.gauges()
	begin := time.Now()
	var in, off atomic.Int64
	var running sync.WaitGroup
	for range loops {
		running.Go(func() {
			for time.Since(begin) < 2*time.Second {
				switch status, err := connectOnce(s.public); {
				case err != nil:
					t.Error(err)
					return
				case status == http.StatusSwitchingProtocols:
					in.Add(1)
				case status == http.StatusTooManyRequests:
					off.Add(1)
				default:
					t.Errorf("answered with %d", status)
				}
			}
		})
	}
	running.Wait()
	took := time.Since(begin)
	watch.stop()
	t.Logf("%.0f attempts a second, %d let in, longest echo %v", float64(in.Load()+off.Load())/took.Seconds(), in.Load(), watch.longest)
	if most := burst + perSecond*took.Seconds() + 1; float64(in.Load()) > most || in.Load() < burst-1 { // the echo came first
		t.Errorf("%d were let in, at most %.0f should be", in.Load(), most)
	}
	if watch.longest > longestStall {
		t.Errorf("another client's echo took %v", watch.longest)
	}
	if n := s.metrics()[`gateway_rejected_total{reason="address_rate"}`]; n != float64(off.Load()) {
		t.Errorf("%d were put off, %v counted", off.Load(), n)
	}
	s.expectGauges(t, baseline, patience)
}

// connectOnce makes a WebSocket handshake on a connection of its own, and goes.
func connectOnce(address string) (status int, err error) {
	conn, err := net.DialTimeout("tcp", address, patience)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, upgradeRequest(webSocketQuery)); err != nil {
		return 0, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	return resp.StatusCode, nil
}

// noRates takes the limits away that the floods of a test are not about.
const noRates = "{handshakes: {per_second: 0}, events_per_connection: {per_second: 0}, joins_per_socket: {per_second: 0}, namespaces_per_connection: 200}"

// 100,000 names that a client made up leave no series in the metrics.
func TestNamesOfClientsDoNotGrowTheMetrics(t *testing.T) {
	const each, atOnce = 25_000, 100
	t.Parallel()
	s := start(t, plainProgram, "--dev", "--ping-interval", "300ms", "--ping-timeout", "2s", limits(t, noRates))
	c := joinedWS(t, s.public)
	c.join("r")
	before := slices.Sorted(maps.Keys(s.metrics()))
	for i := 0; i < each; i += atOnce {
		var names, goodbyes []string
		for j := i; j < i+atOnce; j++ {
			names = append(names, fmt.Sprintf(`42["event-%d"]`, j), fmt.Sprintf(`42["join","room-%d"]`, j), fmt.Sprintf(`42["leave","room-%d"]`, j), fmt.Sprintf("40/space-%d,", j))
			goodbyes = append(goodbyes, fmt.Sprintf("41/space-%d,", j))
		}
		c.send(names...)
		for range atOnce { // in any order: each joins by itself
			c.expectPrefix("40/space-")
		}
		c.send(goodbyes...)
	}
	c.expectAlive()
	var asking sync.WaitGroup
	for part := range 4 {
		asking.Go(func() {
			for i := part; i < each; i += 4 {
				handshakeAs(t, s, fmt.Sprintf("agent-%d", i))
			}
		})
	}
	asking.Wait()
	m := s.metrics()
	if after := slices.Sorted(maps.Keys(m)); !slices.Equal(after, before) {
		t.Errorf("%d series became %d", len(before), len(after))
	}
	for name, n := range map[string]float64{
		"gateway_events_unhandled_total": m.sum("gateway_events_unhandled_total"), "gateway_room_joins_total": m.sum("gateway_room_joins_total"),
		"gateway_sessions_opened_total": m.sum("gateway_sessions_opened_total"), "gateway_connections_opened_total": m.sum("gateway_connections_opened_total"),
	} {
		if n < each {
			t.Errorf("%s is %v: the names never came", name, n)
		}
	}
}

// handshakeAs opens a session with a user agent, over a connection that is kept.
func handshakeAs(t *testing.T, s *server, agent string) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url()+pollingQuery, http.NoBody)
	if err != nil {
		t.Error(err)
		return
	}
	r.Header.Set("User-Agent", agent)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("%s: %d, %v", agent, resp.StatusCode, err)
	}
}

// 10,000 sockets that join a room of their own and leave it, again and again, leave no
// subscription in Redis.
func TestPrivateRoomsLeaveNoSubscriptions(t *testing.T) {
	const connections, spaces, rounds = 100, 100, 2
	t.Parallel()
	own := redistest.StartOwn(t)
	s := start(t, plainProgram, "--dev", "--redis-url", own.URL(), "--redis-prefix", redistest.Prefix(t), limits(t, noRates))
	options, err := redis.ParseURL(own.URL())
	if err != nil {
		t.Fatal(err)
	}
	client := redis.NewClient(options)
	defer client.Close()
	channels := func() int {
		names, err := client.PubSubChannels(context.Background(), "*").Result()
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	before := channels()
	clients := make([]*wsClient, connections)
	for i := range clients {
		clients[i] = openWS(t, s.public)
		for n := range spaces {
			clients[i].send(fmt.Sprintf("40/s%d,", n))
		}
	}
	for _, c := range clients {
		for range spaces { // in any order: each joins by itself
			c.expectPrefix("40/s")
		}
	}
	idle := channels()
	for round := range rounds {
		for _, event := range []string{"join", "leave"} {
			var all sync.WaitGroup
			for i, c := range clients {
				all.Go(func() {
					for n := range spaces {
						c.send(fmt.Sprintf(`42/s%d,%d[%q,"private-%d"]`, n, round, event, i))
					}
					for n := range spaces {
						if !answered(c, fmt.Sprintf(`43/s%d,%d[{"ok":true}]`, n, round)) {
							t.Errorf("no answer to %s %d", event, n)
							return
						}
					}
				})
			}
			all.Wait()
			if now := channels(); event == "join" && now < idle+connections*spaces {
				t.Fatalf("%d channels with every socket in its room, %d before", now, idle)
			}
		}
	}
	eventually(t, patience, "subscriptions to return to their baseline", func() error {
		if now := channels(); now != idle {
			return fmt.Errorf("%d channels, at first %d", now, idle)
		}
		return nil
	})
	for _, c := range clients {
		_ = c.conn.Close()
	}
	eventually(t, patience, "namespaces to be left", func() error {
		if now := channels(); now > before {
			return fmt.Errorf("%d channels, at first %d", now, before)
		}
		if n := s.metrics().sum("gateway_rooms"); n != 0 {
			return errors.New("rooms are left")
		}
		return nil
	})
}
