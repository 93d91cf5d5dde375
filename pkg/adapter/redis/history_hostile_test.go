package redis

import (
	"fmt"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/redistest"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// forged returns an event as a node would publish it, with an id of the test's own.
func forged(t *testing.T, cfg Config, id string) string {
	t.Helper()
	if cfg.SubscriptionMode != "" {
		return fmt.Sprintf(`{"type":3,"data":{"packet":{"type":2,"data":["forged"]},"opts":{"rooms":[],"except":[],"flags":{}}},"uid":"x","nsp":"/","offset":%q}`, id)
	}
	return packed(t, fmt.Sprintf(`["x",{"type":2,"data":["forged"],"nsp":"/"},{"rooms":[],"except":[],"flags":{}},%q]`, id))
}

func publishForged(t *testing.T, cfg Config, id string) {
	t.Helper()
	c := connection(t, cfg.URL)
	send := c.Publish
	if cfg.SubscriptionMode != "" {
		send = c.SPublish
	}
	if n, err := send(t.Context(), cfg.Prefix+"#/#", forged(t, cfg, id)).Result(); err != nil || n != 1 {
		t.Fatalf("%d hear it, %v", n, err)
	}
}

func TestMalformedIDsAreRefused(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		cfg.URL, cfg.Prefix = redistest.Start(t), redistest.Prefix(t)
		h := historians(t, cfg, 1)[0]
		position := h.node.Position("/")
		ids := []string{"x", "1", "-1-0", "01-0", "1-0 ", "1-0-0", "18446744073709551616-0", "1-99999999999999999999999"}
		for _, id := range ids {
			publishForged(t, cfg, id)
		}
		eventually(t, "all are refused", func() bool { return h.bus.Stats().Dropped[DropOffset] == uint64(len(ids)) })
		if h.node.Position("/") != position || len(h.node.events()) != 0 {
			t.Errorf("%v, %v", h.node.Position("/"), h.node.events())
		}
	})
}

// TestIDFromTheFutureStopsNothing: it is not believed, and what is recorded afterwards arrives.
func TestIDFromTheFutureStopsNothing(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		cfg.URL, cfg.Prefix, cfg.ProbeInterval = redistest.Start(t), redistest.Prefix(t), 100*time.Millisecond
		h := historians(t, cfg, 1)[0]
		publishForged(t, cfg, fmt.Sprint(time.Now().Add(time.Minute).UnixMilli(), "-0"))
		publishForged(t, cfg, "18446744073709551615-18446744073709551615")
		for i := range 10 {
			h.mustRecord(event("/", fmt.Sprintf(`[%d]`, i)))
		}
		for i, data := range h.got(10) {
			if data != fmt.Sprintf(`[%d]`, i) {
				t.Errorf("event %d is %s", i, data)
			}
		}
		s := h.bus.Stats()
		if s.Dropped[DropOffset] == 0 || s.MissedAnnounced != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestLikelyIDIsFoundOut: one that is a little ahead is believed at first. What it hides is
// announced.
func TestLikelyIDIsFoundOut(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		cfg.URL, cfg.Prefix, cfg.ProbeInterval = redistest.Start(t), redistest.Prefix(t), 100*time.Millisecond
		h := historians(t, cfg, 1)[0]
		publishForged(t, cfg, fmt.Sprint(time.Now().Add(clockSlack/2).UnixMilli(), "-0"))
		h.got(1)
		h.mustRecord(event("/", `["hidden"]`))
		eventually(t, "it is announced", func() bool { return len(h.node.losses()) > 0 && h.bus.Healthy() })
		h.mustRecord(event("/", `["next"]`))
		eventually(t, "events arrive again", func() bool {
			all := h.node.events()
			return string(all[len(all)-1].b.Data) == `["next"]`
		})
	})
}

// TestOldIDIsARepetition: nobody gets it.
func TestOldIDIsARepetition(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		cfg.URL, cfg.Prefix = redistest.Start(t), redistest.Prefix(t)
		h := historians(t, cfg, 1)[0]
		publishForged(t, cfg, h.node.Position("/").String())
		eventually(t, "it is counted", func() bool { return h.bus.Stats().Repeated == 1 })
		if n := len(h.node.events()); n != 0 {
			t.Errorf("%d events", n)
		}
	})
}

// TestHostileEntriesOfTheStreamAreSkipped writes into the history what no node would.
func TestHostileEntriesOfTheStreamAreSkipped(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		cfg.URL, cfg.Prefix = redistest.Start(t), redistest.Prefix(t)
		h := historians(t, cfg, 1)[0]
		start := h.node.Position("/")
		c := direct(t)
		h.mustRecord(event("/", `["one"]`))
		for _, entry := range [][]string{{"e", ""}, {"e", "x"}, {"e", "\x94"}, {"e", `{"type":3`}, {"other", "field"}, {"e", forged(t, cfg, "1-0")}} {
			command(t, c, "XADD", "{"+cfg.Prefix+"#/}:history", "*", entry[0], entry[1])
		}
		h.mustRecord(event("/", `["two"]`))
		got, _, err := h.read("/", start)
		if err != nil || len(got) != 2 || got[0] != `["one"]` || got[1] != `["two"]` {
			t.Errorf("%q, %v", got, err)
		}
	})
}

// TestIDsWithoutRecoveryAreIgnored: a node without histories delivers such events as any other.
func TestIDsWithoutRecoveryAreIgnored(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		cfg.URL, cfg.Prefix = redistest.Start(t), redistest.Prefix(t)
		plain := start(t, cfg, "tag9")
		plain.join("/")
		publishForged(t, cfg, "not an id")
		if b := plain.next(); string(b.Data) != `["forged"]` {
			t.Errorf("%+v", b)
		}
		h := historians(t, cfg, 1)[0]
		h.mustRecord(&socketio.Broadcast{Namespace: "/", Data: []byte(`["recorded"]`)})
		if b := plain.next(); string(b.Data) != `["recorded"]` {
			t.Errorf("%+v", b)
		}
	})
}

// TestEarlyEchoDoesNotEndTheDoubt: a probe of a former connection comes before everything is
// subscribed.
func TestEarlyEchoDoesNotEndTheDoubt(t *testing.T) {
	h := historians(t, Config{URL: redistest.Start(t)}, 1)[0]
	a := h.bus.(*Adapter)
	track := a.histories.track("/")
	l := &listener{Adapter: a, node: h.node}
	before := a.Stats().CatchUps
	track.doubt()
	l.echo("1")
	l.takeHeads(t.Context())
	if a.Stats().CatchUps != before {
		t.Error("it has caught up too early")
	}
	l.wasUp = true
	l.takeHeads(t.Context())
	if s := a.Stats(); s.CatchUps == before || s.Doubted != 0 {
		t.Errorf("it has not caught up: %+v", s)
	}
}
