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

const testPID = "AbCdEfGhIjKlMnOpQrStUv-_"

func testSession() *socketio.SavedSession {
	return &socketio.SavedSession{
		Namespace: "/", PID: testPID, SocketID: "tag0abcdefghijklmnop", User: "7d9f1f3a-3f0e-4a43-9b51-0b9d5c3e2b11",
		Rooms: []socketio.SavedRoom{
			{Name: "new"}, {Name: "raum \x00 ü", Since: socketio.Offset{Time: 5, Seq: 7}},
			{Name: "left", Since: socketio.Offset{Time: 5}, Until: socketio.Offset{Time: 6}},
		},
		Data: []byte(`{"a":[1,"x"]}`),
	}
}

func TestSavedSessionIsFoundAsItWasSaved(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		cfg.URL = redistest.Start(t)
		list := historians(t, cfg, 2)
		list[0].mustRecord(event("/", `["e"]`))
		list[0].got(1)
		s := testSession()
		head, err := list[0].Save(t.Context(), s)
		if err != nil || head != list[0].node.Position("/") {
			t.Fatalf("head %v, %v", head, err)
		}
		want := testSession()
		want.Since, want.Rooms[0].Since = head, head
		got, err := list[1].Look(t.Context(), "/", testPID)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
		}
		want.Sent, want.Seen = head, head
		if stale, err := list[0].Keep(t.Context(), []*socketio.SavedSession{want}); err != nil || len(stale) > 0 {
			t.Errorf("%v, %v", stale, err)
		}
		if err := list[0].Release(t.Context(), testSession(), true); err != nil {
			t.Error(err)
		}
		if got, err := list[1].Look(t.Context(), "/", testPID); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
		}
		if err := list[0].Release(t.Context(), testSession(), false); err != nil {
			t.Error(err)
		}
		if got, err := list[1].Look(t.Context(), "/", testPID); !errors.Is(err, socketio.ErrNoSession) {
			t.Errorf("it is still there: %+v, %v", got, err)
		}
	})
}

// TestOnlyOneOfManyTakesASession: the others are told, and so is the former owner.
func TestOnlyOneOfManyTakesASession(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		cfg.URL = redistest.Start(t)
		list := historians(t, cfg, 3)
		owner, s := list[0], testSession()
		if _, err := owner.Save(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		seen, err := list[1].Look(t.Context(), "/", testPID)
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var takers []*historian
		var taking sync.WaitGroup
		for i := range 10 {
			h := list[1+i%2]
			taking.Go(func() {
				mine := *seen
				err := h.Take(t.Context(), &mine)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil && mine.Epoch == s.Epoch+1:
					takers = append(takers, h)
				case !errors.Is(err, socketio.ErrSessionTaken):
					t.Errorf("epoch %d, %v", mine.Epoch, err)
				}
			})
		}
		taking.Wait()
		if len(takers) != 1 {
			t.Fatalf("%d have taken it", len(takers))
		}
		eventually(t, "the former owner is told", func() bool {
			owner.node.histMu.Lock()
			defer owner.node.histMu.Unlock()
			return slices.Equal(owner.node.taken, []string{"/ " + testPID + " 1"})
		})
		if _, err := owner.Save(t.Context(), s); !errors.Is(err, socketio.ErrSessionTaken) {
			t.Errorf("the former owner has written it: %v", err)
		}
		if stale, err := owner.Keep(t.Context(), []*socketio.SavedSession{s}); err != nil || len(stale) != 1 || stale[0] != s {
			t.Errorf("%v, %v", stale, err)
		}
		if err := owner.Release(t.Context(), s, false); err != nil {
			t.Error(err)
		}
		s.Epoch++
		if stale, err := takers[0].Keep(t.Context(), []*socketio.SavedSession{s}); err != nil || len(stale) != 0 {
			t.Errorf("the new owner does not have it: %v, %v", stale, err)
		}
	})
}

func TestSessionThatWasWrittenMeanwhileIsNotTaken(t *testing.T) {
	t.Parallel()
	list := historians(t, Config{URL: redistest.Start(t)}, 2)
	s := testSession()
	if _, err := list[0].Save(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	seen, err := list[1].Look(t.Context(), "/", testPID)
	if err != nil {
		t.Fatal(err)
	}
	s.Rooms = s.Rooms[:1]
	if _, err := list[0].Save(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	if err := list[1].Take(t.Context(), seen); !errors.Is(err, socketio.ErrSessionTaken) || seen.Epoch != 0 {
		t.Errorf("epoch %d, %v", seen.Epoch, err)
	}
	if seen, err = list[1].Look(t.Context(), "/", testPID); err != nil || len(seen.Rooms) != 1 {
		t.Fatalf("%+v, %v", seen, err)
	}
	if err := list[1].Take(t.Context(), seen); err != nil || seen.Epoch != 1 {
		t.Errorf("epoch %d, %v", seen.Epoch, err)
	}
}

// TestSessionsAndHistoryExpire: nothing stays when nobody looks after it.
func TestSessionsAndHistoryExpire(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		cfg.URL, cfg.Prefix = redistest.Start(t), redistest.Prefix(t)
		const window = 200 * time.Millisecond
		h := startHistorian(t, cfg, "tag0", window)
		h.join("/", "")
		c := direct(t)
		key := "{" + cfg.Prefix + "#/}:session:" + testPID
		life := func() time.Duration { return c.PTTL(t.Context(), key).Val() }
		s := testSession()
		if _, err := h.Save(t.Context(), s); err != nil {
			t.Fatal(err)
		}
		if d := life(); d <= window || d > window*7/4 {
			t.Errorf("saved for %v", d)
		}
		if err := h.Release(t.Context(), s, true); err != nil {
			t.Fatal(err)
		}
		if d := life(); d <= 0 || d > window {
			t.Errorf("released for %v", d)
		}
		eventually(t, "it has expired", func() bool {
			_, err := h.Look(t.Context(), "/", testPID)
			return errors.Is(err, socketio.ErrNoSession)
		})
		if stale, err := h.Keep(t.Context(), []*socketio.SavedSession{s}); err != nil || len(stale) != 1 {
			t.Errorf("%v, %v", stale, err)
		}
		if err := h.Take(t.Context(), s); !errors.Is(err, socketio.ErrNoSession) {
			t.Errorf("taken: %v", err)
		}
		if _, err := h.Save(t.Context(), s); err != nil {
			t.Errorf("not written anew: %v", err)
		}
		h.mustRecord(event("/", `["e"]`))
		for _, name := range []string{":history", ":head"} {
			if d := c.PTTL(t.Context(), "{"+cfg.Prefix+"#/}"+name).Val(); d <= 0 || d > minKeptFor {
				t.Errorf("%s lives for %v", name, d)
			}
		}
	})
}

// TestSessionIsSmall holds what Redis says of a record, without its rooms and data.
func TestSessionIsSmall(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		cfg.URL, cfg.Prefix = redistest.Start(t), "socket.io"+redistest.Prefix(t)
		h := historians(t, cfg, 1)[0]
		s := testSession()
		s.Rooms, s.Data = nil, nil
		s.Epoch, s.Sent, s.Seen = 12, h.node.Position("/"), h.node.Position("/")
		measure := func() int64 {
			t.Helper()
			if _, err := h.Save(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			return direct(t).MemoryUsage(t.Context(), "{"+cfg.Prefix+"#/}:session:"+testPID).Val()
		}
		bare := measure()
		if bare == 0 || bare > 300 {
			t.Errorf("%d bytes", bare)
		}
		for i := range 10 {
			s.Rooms = append(s.Rooms, socketio.SavedRoom{Name: fmt.Sprintf("conversation-%04d", i)})
		}
		s.Data = []byte(`{"name":"` + strings.Repeat("x", 90) + `"}`)
		t.Logf("%d bytes, %d with ten rooms of 17 bytes and 101 of data", bare, measure())
	})
}

func TestHostilePIDsFindNothing(t *testing.T) {
	h := historians(t, Config{URL: redistest.Start(t)}, 1)[0]
	for _, pid := range []string{"", "a:b", "}x", "../x", strings.Repeat("a", 65), "é", "a\x00b", "a b"} {
		if _, err := h.Look(t.Context(), "/", pid); !errors.Is(err, socketio.ErrNoSession) {
			t.Errorf("%q: %v", pid, err)
		}
		if _, err := h.Save(t.Context(), &socketio.SavedSession{Namespace: "/", PID: pid}); !errors.Is(err, ErrBadEvent) {
			t.Errorf("%q: %v", pid, err)
		}
	}
}

// TestHostileRecordIsNoSession writes what no node would.
func TestHostileRecordIsNoSession(t *testing.T) {
	cfg := Config{URL: redistest.Start(t), Prefix: redistest.Prefix(t)}
	h := historians(t, cfg, 1)[0]
	c := direct(t)
	for _, record := range []string{
		"", "x", "1 o 0-0 0-0", "1 o 0-0 0-0 ", "x o 0-0 0-0 \x94", "1 o 0-0 0-0 \x94\xa1a\xa1b\xa0", "1 o 0-0 0-0 \xdd\xff\xff\xff\xff",
		"1 o 1 0-0 \x94\xa1a\xa1b\xa0\xa30-0", "1 o 0-0 0-0 \x95\xa1a\xa1b\xa0\xa30-0\xc0", "1 o 0-0 0-0 \x94\xa1a\xa1b\xa0\xa30-0trailing",
	} {
		if err := c.Set(t.Context(), "{"+cfg.Prefix+"#/}:session:"+testPID, record, 0).Err(); err != nil {
			t.Fatal(err)
		}
		if s, err := h.Look(t.Context(), "/", testPID); !errors.Is(err, socketio.ErrNoSession) {
			t.Errorf("%q: %+v, %v", record, s, err)
		}
	}
}

func FuzzSessionRecord(f *testing.F) {
	f.Add("1 o 0-0 0-0 " + strings.Join(sessionPieces(testSession()), string(appendOffset(nil, "5-0"))))
	f.Fuzz(func(t *testing.T, record string) {
		s, err := parseSession(record)
		if err != nil {
			return
		}
		again := strings.Join(sessionPieces(s), string(appendOffset(nil, "0-0")))
		back, err := parseSession("0 o " + s.Sent.String() + " " + s.Seen.String() + " " + again)
		if err != nil {
			t.Fatalf("%q: %v", again, err)
		}
		if back.Epoch = s.Epoch; !reflect.DeepEqual(back, s) {
			t.Fatalf("%+v became %+v", s, back)
		}
	})
}
