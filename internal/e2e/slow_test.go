package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// A client that stops reading is closed as slow, and counted. Until then and
// afterwards the other members of its room hear everything as fast as before,
// and the server keeps for it no more than its queue.
func TestSlowClientDoesNotDelayRoom(t *testing.T) {
	const (
		members  = 20
		maxQueue = 256 << 10
		rounds   = 200
	)
	s := startGateway(t, "--max-queue", fmt.Sprint(maxQueue))
	room := &timedRoom{t: t, publisher: joinedWS(t, s.public)}
	for range members {
		m := joinedWS(t, s.public)
		m.join("slow")
		room.members = append(room.members, m)
	}
	alone := room.publish(rounds, func() bool { return false })
	before := s.residentKiB()

	stalled := joinAndStopReading(t, s.public, "slow")
	mostQueued := 0.0
	closed := func() bool {
		m := s.metrics()
		mostQueued = max(mostQueued, m.sum("gateway_queue_bytes"))
		return m.sum("gateway_slow_consumers_closed_total") == 1
	}
	during := room.publish(20_000, closed)
	if !closed() {
		t.Fatal("the slow client was never closed")
	}
	s.expectClosed(t, "slow consumer", 1)
	after := room.publish(rounds, func() bool { return false })
	readAtLeast(t, stalled, 1) // what the kernel had taken is there, and then the end

	for name, got := range map[string]time.Duration{"with the slow client": during, "after it": after} {
		// The same within what the machine's other work does to a figure of this size.
		if limit := 5*alone + 20*time.Millisecond; got > limit {
			t.Errorf("%s: p95 %v, alone %v", name, got, alone)
		}
	}
	if mostQueued > 2*maxQueue {
		t.Errorf("%v bytes queued, the limit for one client is %d", mostQueued, maxQueue)
	}
	if grown := s.residentKiB() - before; grown > 64<<10 {
		t.Errorf("memory grew by %d KiB", grown)
	}
	for _, m := range room.members {
		m.expectAlive()
	}
}

// timedRoom publishes to members and measures how long each message takes to
// reach all of them.
type timedRoom struct {
	t         *testing.T
	publisher *wsClient
	members   []*wsClient
	sent      int
}

// publish sends until enough, at most n messages of 8 KiB, one at a time, and
// returns the 95th percentile.
func (r *timedRoom) publish(n int, enough func() bool) time.Duration {
	r.t.Helper()
	payload := strings.Repeat("x", 8<<10)
	took := make([]time.Duration, 0, n)
	for i := range n {
		if i%50 == 49 && enough() {
			break
		}
		begin := time.Now()
		r.publisher.send(fmt.Sprintf(`42["publish","slow","news",%d,%q]`, r.sent, payload))
		for _, m := range r.members {
			m.expectPrefix(fmt.Sprintf(`42["news",%d,`, r.sent))
		}
		took = append(took, time.Since(begin))
		r.sent++
	}
	slices.Sort(took)
	return took[len(took)*95/100]
}
