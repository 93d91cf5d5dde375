package redis

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/redistest"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

func TestRecordedEventReachesEveryNodeAndStays(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		cfg.URL = redistest.Start(t)
		list := historians(t, cfg, 2)
		start := list[0].node.Position("/")
		if start.IsZero() {
			t.Fatal("the node has no position")
		}
		want := []*socketio.Broadcast{
			event("/", `["all",1,{"x":[true,null]}]`),
			event("/", `["room"]`, "room"),
			{Namespace: "/", Rooms: []string{"room", "other"}, Except: []string{"x"}, Data: []byte(`["rooms"]`), NoCompress: true},
			{Namespace: "/", Data: []byte(`["bytes",{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{0, 255}}},
			event("/", `["elsewhere"]`, "nobody's"),
		}
		for _, b := range want {
			list[0].mustRecord(b)
		}
		heard := want[:4]
		for _, h := range list {
			h.got(len(heard))
			for i, r := range h.node.events() {
				if !reflect.DeepEqual(r.b, heard[i]) {
					t.Errorf("%s got %+v, want %+v", h.node.tag, r.b, heard[i])
				}
			}
		}
		var read []*socketio.Broadcast
		var offsets []socketio.Offset
		head, err := list[1].Read(t.Context(), "/", start, func(b *socketio.Broadcast, at socketio.Offset) bool {
			read, offsets = append(read, b), append(offsets, at)
			return true
		})
		if err != nil || !reflect.DeepEqual(read, want) || head != offsets[len(offsets)-1] {
			t.Errorf("read %+v until %v, %v", read, head, err)
		}
		if live := list[1].node.events(); live[3].at != offsets[3] {
			t.Errorf("another id by the bus, %v, than in the history, %v", live[3].at, offsets[3])
		}
		head, err = list[1].Read(t.Context(), "/", start, func(*socketio.Broadcast, socketio.Offset) bool { return false })
		if err != nil || head != offsets[0] {
			t.Errorf("stopped at %v, %v", head, err)
		}
	})
}

// TestOrderOfTheBusIsThatOfTheHistory has three nodes record as fast as they can.
func TestOrderOfTheBusIsThatOfTheHistory(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		cfg.URL = redistest.Start(t)
		list := historians(t, cfg, 3)
		start := list[0].node.Position("/")
		const each = 1000
		rooms := [][]string{nil, {"room"}, {"room", "another"}}
		var recording sync.WaitGroup
		for i, h := range list {
			recording.Go(func() {
				for k := range each {
					if err := h.Record(event("/", fmt.Sprintf(`["e",%d,%d]`, i, k), rooms[k%3]...)); err != nil {
						t.Errorf("record: %v", err)
						return
					}
				}
			})
		}
		recording.Wait()
		first := list[0].got(3 * each)
		next := [3]int{}
		for _, data := range first {
			var i, k int
			if _, err := fmt.Sscanf(data, `["e",%d,%d]`, &i, &k); err != nil || k != next[i] {
				t.Fatalf("%s, wanted number %d", data, next[i])
			}
			next[i]++
		}
		for _, h := range list[1:] {
			if !slices.Equal(h.got(3*each), first) {
				t.Errorf("%s has another order", h.node.tag)
			}
		}
		read, _, err := list[0].read("/", start)
		if err != nil || !slices.Equal(read, first) {
			t.Errorf("the history has %d in another order: %v", len(read), err)
		}
	})
}

func TestHistoryIsOnlyWhereItIsWanted(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		own := redistest.StartOwn(t)
		cfg.URL, cfg.Prefix, cfg.ProbeInterval = own.URL(), "p", 20*time.Millisecond
		h := startHistorian(t, cfg, "tag0", 0)
		h.join("/", "")
		eventually(t, "probes come back", func() bool { return h.bus.Stats().Probes > 3 })
		if err := h.Record(event("/", `["e"]`)); !errors.Is(err, ErrNoHistory) {
			t.Errorf("recorded without a window: %v", err)
		}
		if keys := own.Client().Keys(t.Context(), "*").Val(); len(keys) != 0 {
			t.Errorf("keys without recovery: %q", keys)
		}
		if commands := own.Client().Info(t.Context(), "commandstats").Val(); strings.Contains(commands, "cmdstat_eval") {
			t.Errorf("scripts without recovery: %s", commands)
		}
	})
}

// TestQuietNodeMovesOn: one that hears nothing of what others record has a position near the head.
func TestQuietNodeMovesOn(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		cfg.URL, cfg.ProbeInterval = redistest.Start(t), 50*time.Millisecond
		list := historians(t, cfg, 2)
		list[0].mustRecord(event("/", `["e"]`, "elsewhere"))
		_, head, err := list[0].read("/", list[0].node.Position("/"))
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "position is the head", func() bool { return list[1].node.Position("/") == head })
		if n := len(list[1].node.events()); n != 0 {
			t.Errorf("%d events", n)
		}
	})
}

func TestUnknownPlaceIsForgotten(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		cfg.URL = redistest.Start(t)
		h := historians(t, cfg, 1)[0]
		start := h.node.Position("/")
		h.mustRecord(event("/", `["one"]`))
		h.got(1)
		one := h.node.events()[0].at
		h.mustRecord(event("/", `["two"]`))
		for name, row := range map[string]struct {
			after socketio.Offset
			want  []string
			err   error
		}{
			"the beginning":        {socketio.Offset{}, []string{`["one"]`, `["two"]`}, nil},
			"where the node began": {start, []string{`["one"]`, `["two"]`}, nil},
			"an event":             {one, []string{`["two"]`}, nil},
			"no event":             {socketio.Offset{Time: one.Time, Seq: one.Seq + 1000}, nil, socketio.ErrDiverged},
			"before all":           {socketio.Offset{Time: 1}, nil, socketio.ErrForgotten},
			"behind all":           {socketio.Offset{Time: one.Time + 1e6}, nil, socketio.ErrDiverged},
		} {
			got, _, err := h.read("/", row.after)
			if !slices.Equal(got, row.want) || !errors.Is(err, row.err) || row.err != nil && !errors.Is(err, socketio.ErrForgotten) {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}
	})
}

// TestTrimmedHistoryIsForgotten: what was trimmed is said to be so, and what is left is complete.
func TestTrimmedHistoryIsForgotten(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		cfg.URL, cfg.MaxHistory = redistest.Start(t), 200
		h := historians(t, cfg, 1)[0]
		start := h.node.Position("/")
		const n = 1000
		for i := range n {
			if err := h.Record(event("/", fmt.Sprintf(`[%d]`, i))); err != nil {
				t.Fatal(err)
			}
		}
		h.got(n)
		if _, _, err := h.read("/", start); !errors.Is(err, socketio.ErrForgotten) || errors.Is(err, socketio.ErrDiverged) {
			t.Errorf("from the start: %v", err)
		}
		late := h.node.events()[n-101]
		if got, _, err := h.read("/", late.at); err != nil || len(got) != 100 {
			t.Errorf("%d of the last 100: %v", len(got), err)
		}
		length := direct(t).XLen(t.Context(), "{"+cfg.prefixOf(h)+"#/}:history").Val()
		if length < 200 || length > 400 {
			t.Errorf("%d entries are kept", length)
		}
	})
}

func (Config) prefixOf(h *historian) string {
	switch a := h.bus.(type) {
	case *Adapter:
		return a.cfg.Prefix
	case *Sharded:
		return a.cfg.Prefix
	}
	return ""
}

// TestOldEventsAreTrimmedButForThePositionOfQuietClients: what is older than twice the window goes;
// the newest of it stays, since everybody who has heard nothing since stands there.
func TestOldEventsAreTrimmedButForThePositionOfQuietClients(t *testing.T) {
	t.Parallel()
	cfg := Config{URL: redistest.Start(t), Prefix: redistest.Prefix(t)}
	h := startHistorian(t, cfg, "tag0", 50*time.Millisecond)
	h.join("/", "")
	start := h.node.Position("/")
	data := strings.Repeat("x", 5000) // so that each is a node of Redis's of its own
	for range 20 {
		h.mustRecord(event("/", `["`+data+`"]`))
	}
	h.got(20)
	last := h.node.Position("/")
	stream := "{" + cfg.Prefix + "#/}:history"
	c := direct(t)
	eventually(t, "one is left", func() bool { return c.XLen(t.Context(), stream).Val() == 1 })
	h.mustRecord(event("/", `["new"]`))
	if got, _, err := h.read("/", last); err != nil || len(got) != 1 {
		t.Errorf("%q, %v", got, err)
	}
	if _, _, err := h.read("/", start); !errors.Is(err, socketio.ErrForgotten) {
		t.Errorf("from the start: %v", err)
	}
	eventually(t, "it is measured", func() bool { s := h.bus.Stats(); return s.HistoryEvents > 0 && s.HistoryBytes > 0 })
}

func TestHistoryIsBoundedInBytes(t *testing.T) {
	t.Parallel()
	cfg := Config{URL: redistest.Start(t), MaxHistoryBytes: 1 << 20}
	h := historians(t, cfg, 1)[0]
	data := `["` + strings.Repeat("x", 10_000) + `"]`
	for range 1000 {
		if err := h.Record(event("/", data)); err != nil {
			t.Fatal(err)
		}
	}
	h.got(1000)
	eventually(t, "it is trimmed", func() bool {
		s := h.bus.Stats()
		return s.HistoryEvents > 0 && s.HistoryEvents < 150 && s.HistoryBytes <= 1<<20
	})
}

func TestClusterHasNoHistory(t *testing.T) {
	for _, mode := range []SubscriptionMode{"", Dynamic} {
		a, err := newTested(Config{URL: "redis://127.0.0.1:1,127.0.0.1:2", SubscriptionMode: mode})
		if err != nil {
			t.Fatal(err)
		}
		h := a.(interface {
			socketio.HistoryAdapter
			CanRecord() error
		})
		s := &socketio.SavedSession{Namespace: "/", PID: "pid"}
		_, readErr := h.Read(t.Context(), "/", socketio.Offset{}, nil)
		_, saveErr := h.Save(t.Context(), s)
		_, lookErr := h.Look(t.Context(), "/", "pid")
		_, keepErr := h.Keep(t.Context(), []*socketio.SavedSession{s})
		for name, err := range map[string]error{
			"CanRecord": h.CanRecord(), "Record": h.Record(event("/", `["e"]`)), "Read": readErr, "Save": saveErr, "Look": lookErr,
			"Take": h.Take(t.Context(), s), "Keep": keepErr, "Release": h.Release(t.Context(), s, true),
		} {
			if !errors.Is(err, ErrNoHistory) || !strings.Contains(err.Error(), "Redis Cluster") {
				t.Errorf("%s: %v", name, err)
			}
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestRecordFailsWhereNothingCanBeWritten(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		own := redistest.StartOwn(t)
		cfg.URL = own.URL()
		h := historians(t, cfg, 1)[0]
		command(t, own.Client(), "CONFIG", "SET", "maxmemory", "1")
		if err := h.record(event("/", `["e"]`)); err == nil {
			t.Error("accepted without memory")
		}
		command(t, own.Client(), "CONFIG", "SET", "maxmemory", "0")
		h.mustRecord(event("/", `["f"]`))
		if got := h.got(1); got[0] != `["f"]` {
			t.Errorf("%q", got)
		}
		if err := h.Record(event("/", `not json`)); !errors.Is(err, ErrBadEvent) {
			t.Errorf("%v", err)
		}
	})
}

// TestForgottenScriptsAreSaidAgain: Redis may be told to forget them at any time.
func TestForgottenScriptsAreSaidAgain(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		own := redistest.StartOwn(t)
		cfg.URL = own.URL()
		h := historians(t, cfg, 1)[0]
		c := own.Client()
		const n = 500
		for i := range n {
			if i%50 == 0 {
				command(t, c, "SCRIPT", "FLUSH")
			}
			if err := h.Record(event("/", fmt.Sprintf(`[%d]`, i))); err != nil {
				t.Fatal(err)
			}
		}
		for i, data := range h.got(n) {
			if data != fmt.Sprintf(`[%d]`, i) {
				t.Fatalf("event %d is %s", i, data)
			}
		}
	})
}

// TestEventForASocketThatComesBackIsHeard: until it has been sent what it has missed, the socket is
// none of the node's.
func TestEventForASocketThatComesBackIsHeard(t *testing.T) {
	list := historians(t, Config{URL: redistest.Start(t)}, 2)
	b := event("/", `["e"]`, "tag1abcdefghijklmnop")
	list[0].mustRecord(b)
	list[0].flush()
	if got := list[1].got(2); got[0] != string(b.Data) {
		t.Errorf("%q", got)
	}
	if got := list[0].got(1); len(got) != 1 {
		t.Errorf("the other node got %q", got)
	}
}
