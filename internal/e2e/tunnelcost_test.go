package e2e

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// audience is clients that upgraded, in one room, and count what they hear.
type audience struct {
	conns []interface{ Close() error }
	heard atomic.Int64
	over  sync.WaitGroup
}

// newAudience opens sessions on one node, by polling, and upgrades them through
// another, or the same.
func newAudience(t *testing.T, n int, owner, through *server, room string) *audience {
	t.Helper()
	a := &audience{conns: make([]interface{ Close() error }, n)}
	var dials sync.WaitGroup
	for dialer := range 8 {
		dials.Go(func() {
			for i := dialer; i < n; i += 8 {
				a.join(t, i, owner, through, room)
			}
		})
	}
	dials.Wait()
	t.Cleanup(func() {
		for _, c := range a.conns {
			_ = c.Close()
		}
		a.over.Wait()
	})
	return a
}

func (a *audience) join(t *testing.T, i int, owner, through *server, room string) {
	got, err := exchange(t, owner.public, getRequest(pollingQuery))
	_, sid, _ := strings.Cut(got.body, `"sid":"`)
	sid, _, found := strings.Cut(sid, `"`)
	if err != nil || !found {
		t.Errorf("handshake: %v %v", got, err)
		return
	}
	conn := dialTCP(t, through.public)
	a.conns[i] = conn
	write(t, conn, upgradeRequest(webSocketQuery+"&sid="+sid))
	reader := bufio.NewReaderSize(conn, 512)
	for line := "x"; line != "\r\n"; {
		if line, err = reader.ReadString('\n'); err != nil {
			t.Errorf("upgrade: %v", err)
			return
		}
	}
	write(t, conn, frame(textFrame, "2probe"))
	if _, p, err := readFrame(reader); err != nil || string(p) != "3probe" {
		t.Errorf("probe: %q, %v", p, err)
		return
	}
	write(t, conn, frame(textFrame, "5")+frame(textFrame, "40")+frame(textFrame, `420["join","`+room+`"]`))
	for joined := false; !joined; {
		_, p, err := readFrame(reader)
		if err != nil {
			t.Errorf("join: %v", err)
			return
		}
		joined = strings.HasPrefix(string(p), "430")
	}
	a.over.Go(func() {
		for {
			_, p, err := readFrame(reader)
			switch {
			case err != nil:
				return
			case string(p) == "2":
				write(t, conn, frame(textFrame, "3"))
			default:
				a.heard.Add(1)
			}
		}
	})
}

// deliver publishes so many messages, some outstanding at a time, and returns what a
// delivery cost all nodes together.
func (a *audience) deliver(t *testing.T, publisher *wsClient, room string, messages, outstanding int, nodes ...*server) time.Duration {
	t.Helper()
	before := time.Duration(0)
	for _, n := range nodes {
		before -= n.cpu()
	}
	start := a.heard.Load()
	publish := frame(textFrame, `42["publish","`+room+`","msg","`+strings.Repeat("x", 128)+`"]`)
	deadline := time.Now().Add(time.Minute)
	for sent := range messages {
		publisher.write(publish)
		for a.heard.Load()-start < int64(max(0, sent+1-outstanding+1)*len(a.conns)) {
			if time.Now().After(deadline) {
				t.Fatalf("%d of %d were heard", a.heard.Load()-start, messages*len(a.conns))
			}
			time.Sleep(50 * time.Microsecond)
		}
	}
	total := int64(messages * len(a.conns))
	for a.heard.Load()-start < total {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d were heard", a.heard.Load()-start, total)
		}
		time.Sleep(50 * time.Microsecond)
	}
	for _, n := range nodes {
		before += n.cpu()
	}
	return before / time.Duration(total)
}

// What a client costs that has upgraded through another node than its session's:
// memory on the node between, and processor time on both, against the same clients on
// connections of their own to the owner.
func TestTunnelsAreCheap(t *testing.T) {
	clients, scale := 500, 1
	if v, err := strconv.Atoi(os.Getenv("CAUSEWAY_TUNNELS")); err == nil { // for figures that count
		clients, scale = v, 4
	}
	nodes := startThree(t, plainProgram, "--dev")
	owner, between := nodes[0], nodes[1]
	newAudience(t, clients/5, owner, between, "warm")
	time.Sleep(3 * time.Second)
	before := between.residentKiB()
	tunnelled := newAudience(t, clients, owner, between, "tunnelled")
	eventually(t, time.Minute, "all tunnels", func() error {
		if n := between.metrics()["gateway_tunnels"]; n != float64(clients+clients/5) {
			return fmt.Errorf("there are %v", n)
		}
		return nil
	})
	direct := newAudience(t, clients, owner, owner, "direct")
	time.Sleep(5 * time.Second)
	perTunnel := float64(between.residentKiB()-before) / float64(clients)
	t.Logf("%d idle tunnels: %.1f KiB each on the node between", clients, perTunnel)
	if perTunnel > 12 {
		t.Errorf("more than 12 KiB for an idle tunnel")
	}

	publisher := joinedWS(t, owner.public)
	for _, w := range []struct {
		name                  string
		messages, outstanding int
	}{{"one message at a time", 60 * scale, 1}, {"16 outstanding", 200 * scale, 16}} {
		alone := direct.deliver(t, publisher, "direct", w.messages, w.outstanding, owner, between)
		through := tunnelled.deliver(t, publisher, "tunnelled", w.messages, w.outstanding, owner, between)
		t.Logf("%s: %v per direct delivery, %v through a tunnel: %.2f times", w.name, alone, through, float64(through)/float64(alone))
		// The goal is 1.5; what else this machine does moves the figure, and the clock
		// of processes has ticks of 10 ms. Without trunks it is 2 to 3.5.
		if through > 2*alone+time.Microsecond {
			t.Errorf("%s: a delivery through a tunnel costs %v, a direct one %v", w.name, through, alone)
		}
	}
}
