package gateway

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/causeway-rt/causeway/internal/rate"
)

// expectMetric waits until the gateway shows a series.
func (w *world) expectMetric(line string) {
	w.t.Helper()
	w.until(w.internal+"/metrics", http.StatusOK, "\n"+line+"\n")
}

// expectCounted waits until a series is above 0.
func (w *world) expectCounted(series string) {
	w.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		_, page := w.get(w.internal + "/metrics")
		_, after, _ := strings.Cut(page, "\n"+series+" ")
		value, _, _ := strings.Cut(after, "\n")
		if n, err := strconv.ParseFloat(value, 64); err == nil && n > 0 {
			return
		}
		if time.Now().After(deadline) {
			w.t.Fatalf("%s is 0, or missing", series)
		}
	}
}

// expectPutOff checks the answer to a polling handshake.
func (w *world) expectPutOff(status int, message string) {
	w.t.Helper()
	resp, err := http.Get(w.handshake())
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body := make([]byte, 200)
	n, _ := resp.Body.Read(body)
	seconds, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if resp.StatusCode != status || err != nil || seconds < 1 || !strings.Contains(string(body[:n]), message) {
		w.t.Errorf("%d %q, Retry-After %q; want %d with %q", resp.StatusCode, body[:n], resp.Header.Get("Retry-After"), status, message)
	}
}

// expectAnswer checks that a client is served.
func (c *client) expectAnswer() {
	c.t.Helper()
	c.send(`42900["leave","nowhere"]`)
	c.expect(`43900[{"ok":true}]`)
}

func TestFullNodeSaysSoAndStaysReady(t *testing.T) {
	w := start(t, Config{Dev: true, Limits: Limits{Connections: 2}}, nil)
	a, b := w.connect(), w.connect()
	w.expectPutOff(http.StatusServiceUnavailable, "full")
	w.expectMetric(`gateway_rejected_total{reason="full"} 1`)
	w.expectMetric("gateway_connections_limit 2")
	if status, body := w.get(w.internal + "/readyz"); status != http.StatusOK {
		t.Errorf("a full node's readiness: %d %s", status, body)
	}
	a.expectAnswer()
	b.ws.CloseNow()
	w.until(w.handshake(), http.StatusOK, `0{"sid"`)
	a.expectAnswer()
}

func TestHandshakesOfTheNodeAreLimited(t *testing.T) {
	w := start(t, Config{Dev: true, Limits: Limits{Handshakes: rate.Limit{PerSecond: 1, Burst: 3}}}, nil)
	c := w.connect()
	w.until(w.handshake(), http.StatusServiceUnavailable, "too many new connections")
	w.expectCounted(`gateway_rejected_total{reason="handshake_rate"}`)
	c.expectAnswer()
	w.until(w.handshake(), http.StatusOK, `0{"sid"`)
}

func TestHandshakesOfAnAddressAreLimited(t *testing.T) {
	w := start(t, Config{
		Dev: true, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Limits: Limits{HandshakesPerAddress: rate.Limit{PerSecond: 1, Burst: 2}},
	}, nil)
	from := func(address string) (status int) {
		r, _ := http.NewRequest(http.MethodGet, w.handshake(), http.NoBody)
		r.Header.Set("X-Forwarded-For", address)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for _, address := range []string{"192.0.2.1", "192.0.2.2", "2001:db8::1"} {
		tries := 0
		for from(address) == http.StatusOK {
			if tries++; tries > 100 {
				t.Fatalf("%s gets in %d times", address, tries)
			}
		}
		if tries < 2 {
			t.Errorf("%s got in %d times", address, tries)
		}
	}
	w.expectCounted(`gateway_rejected_total{reason="address_rate"}`)
	w.expectCounted("gateway_handshake_addresses")
	w.expectMetric(`gateway_rejected_total{reason="handshake_rate"} 0`)
	w.expectMetric("gateway_handshakes_uncounted_total 0")
}

func TestAnswersToHandshakesThatComeTooEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoors(Limits{Handshakes: rate.Limit{PerSecond: 10, Burst: 10}, HandshakesPerAddress: rate.Limit{PerSecond: 1, Burst: 3}})
		for _, row := range []struct {
			address string
			status  int // of the one after those that are let in
		}{
			{"192.0.2.1", http.StatusTooManyRequests},
			{"2001:db8::1", http.StatusTooManyRequests},
			{"2001:db8:0:1::1", http.StatusTooManyRequests}, // the next network
			{"192.0.2.2", http.StatusServiceUnavailable},
		} {
			busy := d.admit(netip.MustParseAddr(row.address))
			for busy.Status == 0 {
				busy = d.admit(netip.MustParseAddr(row.address))
			}
			if busy.Status != row.status || busy.RetryAfter <= 0 || busy.RetryAfter > time.Second+retrySpread {
				t.Errorf("%s: %+v, want %d", row.address, busy, row.status)
			}
		}
		// Nobody gets more for changing the address within their network.
		for _, address := range []string{"192.0.2.1", "::ffff:192.0.2.1", "2001:db8::ffff:2", "2001:db8:0:1:1::", "fe80::1%eth0", "fe80::2%eth1", "fe80::1"} {
			if d.addresses.Take(networkOf(netip.MustParseAddr(address))) == 0 && !strings.HasPrefix(address, "fe80") {
				t.Errorf("%s has a share of its own", address)
			}
		}
		if d.addresses.Take(networkOf(netip.MustParseAddr("fe80::3"))) == 0 {
			t.Error("three of a network, and one more")
		}
	})
}

// TestAddressThatDoesTooMuchTakesNothingFromOthers: its handshakes that are refused are
// not counted for the node.
func TestAddressThatDoesTooMuchTakesNothingFromOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoors(Limits{Handshakes: rate.Limit{PerSecond: 10, Burst: 10}, HandshakesPerAddress: rate.Limit{PerSecond: 1, Burst: 2}})
		flooder := netip.MustParseAddr("192.0.2.1")
		for range 1000 {
			d.admit(flooder)
		}
		for i := range 8 {
			if busy := d.admit(netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})); busy.Status != 0 {
				t.Errorf("client %d was put off: %+v", i, busy)
			}
		}
		if d.addressRefused.Load() != 998 || d.nodeRefused.Load() != 0 {
			t.Errorf("refused %d by address, %d by node", d.addressRefused.Load(), d.nodeRefused.Load())
		}
	})
}

// TestTableOfAddressesIsBounded: an attacker with as many networks as there are addresses
// gets neither memory nor other clients out.
func TestTableOfAddressesIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoors(Limits{HandshakesPerAddress: rate.Limit{PerSecond: 1, Burst: 1}})
		address := netip.MustParseAddr("2001:db8::").As16()
		const flood = 3 * mostAddresses
		for i := range flood {
			address[5], address[6], address[7] = byte(i>>16), byte(i>>8), byte(i)
			d.admit(netip.AddrFrom16(address))
		}
		if size, uncounted := d.addresses.Size(); size != mostAddresses || uncounted != flood-mostAddresses {
			t.Errorf("%d addresses, %d uncounted", size, uncounted)
		}
		if busy := d.admit(netip.MustParseAddr("192.0.2.1")); busy.Status != 0 {
			t.Errorf("a new client is put off for it: %+v", busy)
		}
		time.Sleep(time.Second)
		client := netip.MustParseAddr("192.0.2.2")
		if d.admit(client).Status != 0 || d.admit(client).Status == 0 {
			t.Error("limits don't hold again when it is over")
		}
		if size, _ := d.addresses.Size(); size != 1 {
			t.Errorf("%d addresses are left", size)
		}
	})
}

func TestAdmittingAllocatesNothing(t *testing.T) {
	d := newDoors(Limits{Handshakes: rate.Limit{PerSecond: 1_000_000, Burst: 1_000_000}, HandshakesPerAddress: rate.Limit{PerSecond: 1, Burst: 5}})
	client := netip.MustParseAddr("2001:db8::1")
	if n := testing.AllocsPerRun(100, func() { d.admit(client) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestJoinsOfOneSocketAreLimited(t *testing.T) {
	w := start(t, Config{Dev: true, Limits: Limits{Joins: rate.Limit{PerSecond: 1, Burst: 3}}}, nil)
	eager, other := w.connect(), w.connect()
	joined := func(i int) bool {
		eager.send(fmt.Sprintf(`42%d["join","r%d"]`, i, i))
		switch got := eager.expectPrefix(fmt.Sprintf(`43%d[{"ok":`, i)); {
		case strings.HasSuffix(got, `[{"ok":true}]`):
			return true
		case !strings.HasSuffix(got, `[{"ok":false,"error":"limit"}]`):
			t.Fatalf("join %d was answered with %s", i, got)
		}
		return false
	}
	tries := 0
	for joined(tries) {
		if tries++; tries > 100 {
			t.Fatalf("%d joins", tries)
		}
	}
	if tries < 3 {
		t.Errorf("%d joins, want a burst of 3", tries)
	}
	other.send(`420["join","r"]`)
	other.expect(`430[{"ok":true}]`)
	w.expectMetric(`gateway_room_joins_refused_total{limit="rate"} 1`)
	w.expectMetric(`gateway_room_joins_refused_total{limit="rooms"} 0`)
	w.expectMetric(`gateway_relay_events_total{event="join",result="limit"} 1`)
	for deadline := time.Now().Add(patience); !joined(101); {
		if time.Now().After(deadline) {
			t.Fatal("it may join no more")
		}
	}
}

func TestEventsOfOneConnectionAreLimited(t *testing.T) {
	w := start(t, Config{Dev: true, Limits: Limits{Events: rate.Limit{PerSecond: 200, Burst: 100}}}, nil)
	flooder, other := w.connect(), w.connect()
	const n = 300
	for i := range n {
		flooder.send(fmt.Sprintf(`42%d["leave","r"]`, i))
	}
	begun := time.Now()
	other.expectAnswer()
	for i := range n { // none is lost
		flooder.expect(fmt.Sprintf(`43%d[{"ok":true}]`, i))
	}
	if took := time.Since(begun); took < 500*time.Millisecond {
		t.Errorf("%d events took %v", n, took)
	}
	w.expectCounted("gateway_clients_throttled_total")
	w.expectCounted("gateway_clients_throttled_seconds_total")
}

func TestLimitsOnWhatAClientHoldsCanBeSet(t *testing.T) {
	w := start(t, Config{Dev: true, MaxQueue: 10_000, Limits: Limits{Rooms: 1, Namespaces: 2, PendingAcks: 2}}, nil)
	c := w.connect()
	c.send(`420["join","a"]`)
	c.expect(`430[{"ok":true}]`)
	c.send(`421["join","b"]`)
	c.expect(`431[{"ok":false,"error":"limit"}]`)
	c.send("40/one,")
	c.expectPrefix("40/one,")
	c.send("40/two,")
	c.expect(`44/two,{"message":"Too many namespaces","data":{"code":"limit"}}`)
	ctx, cancel := context.WithCancel(t.Context())
	var asking sync.WaitGroup
	for range 3 {
		asking.Go(func() { _, _ = w.sockets.EmitWithAck(ctx, "ask") }) // nobody answers
	}
	defer asking.Wait()
	defer cancel()
	w.expectMetric(`gateway_room_joins_refused_total{limit="rooms"} 1`)
	w.expectMetric("gateway_namespaces_refused_total 1")
	w.expectMetric(`gateway_acks_total{result="refused"} 1`)
}

func TestConnectionsOfOneUserAreLimited(t *testing.T) {
	cfg := withTokens(nil)
	cfg.Limits.ConnectionsPerUser = 2
	w := start(t, cfg, nil)
	token := tokenFor(t, "42", nil)
	first, second := w.enter(token), w.enter(token)
	third := w.dial()
	third.send(`40{"token":"` + token + `"}`)
	third.expect(`44{"message":"Too many connections of this user","data":{"code":"limit"}}`)
	w.expectMetric("gateway_user_connections_refused_total 1")
	w.enter(tokenFor(t, "43", nil)) // somebody else

	first.ws.CloseNow()
	for deadline := time.Now().Add(patience); w.sockets.Of("/").LocalMembers("user:42") > 1; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("who was refused, or has gone, has not left the user's room")
		}
	}
	third.send(`40{"token":"` + token + `"}`) // it may try again on the same connection
	third.expectPrefix(`40{"sid"`)
	second.ask(`"leave","x"`, ackForbidden)
}

// TestUserNeverGetsOneConnectionTooMany when all come at the same time.
func TestUserNeverGetsOneConnectionTooMany(t *testing.T) {
	const most, all = 3, 20
	cfg := withTokens(nil)
	cfg.Limits.ConnectionsPerUser = most
	w := start(t, cfg, nil)
	token := tokenFor(t, "42", nil)
	clients := make([]*client, all)
	for i := range clients {
		clients[i] = w.dial()
	}
	for _, c := range clients {
		c.send(`40{"token":"` + token + `"}`)
	}
	in := 0
	for _, c := range clients {
		got, err := c.next()
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(got, `40{"sid"`) {
			in++
		}
	}
	if n := w.sockets.Of("/").LocalMembers("user:42"); in > most || n != in {
		t.Errorf("%d were let in, at most %d should be; %d are in the room", in, most, n)
	}
}
