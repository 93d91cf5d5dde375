package redis

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/redistest"
)

// Redis ends a connection to which it owes too much, and it owes an answer for each
// subscription: a node that has not read some answers does not ask for many more.
func TestSubscriptionsDoNotRunAheadOfTheirAnswers(t *testing.T) {
	t.Parallel()
	const rooms, nameBytes = 12000, 200 // more than twice maxOwed
	own := redistest.StartOwn(t)
	c, cfg := own.Client(), Config{URL: own.URL(), Prefix: redistest.Prefix(t), Linger: 50 * time.Millisecond}
	m, other := start(t, cfg, "tag0"), start(t, cfg, "tag1")
	m.join("/")
	channels := func() int { return len(c.PubSubChannels(context.Background(), "*").Val()) }
	baseline, wanted := channels(), m.Stats().Subscriptions

	release := m.node.block()
	other.emit(event("/", `["the reader waits for this"]`))
	eventually(t, "it", func() bool { return m.Stats().Received == 1 })
	for i := range rooms {
		m.interests.add(fmt.Sprintf("%0*d", nameBytes, i), kindBroadcast, "/")
	}
	last, looks := 0, 0
	eventually(t, "no more subscriptions", func() bool {
		n := channels()
		if n != last {
			last, looks = n, 0
		}
		looks++
		return n > baseline && looks == 50
	})
	if owed := last * nameBytes; owed > 2*maxOwed {
		t.Errorf("Redis owes %d answers, more than %d bytes", last, owed)
	}
	release()
	eventually(t, "everything subscribed", func() bool { return m.Stats().Pending == 0 })
	for i := range rooms {
		m.interests.remove(fmt.Sprintf("%0*d", nameBytes, i), "/", time.Now())
	}
	eventually(t, "the baseline", func() bool { return m.Stats().Subscriptions == wanted && channels() == baseline }) // a list of all is dear
	if s := m.Stats(); s.Gaps != 0 || !s.Connected {
		t.Errorf("%d gaps; now connected: %v", s.Gaps, s.Connected)
	}
}
