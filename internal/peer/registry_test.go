package peer

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// shaky is a store that can be made to fail, and counts looks.
type shaky struct {
	Memory
	mu sync.Mutex
	// Guarded by mu.
	away  bool
	looks int
}

var errAway = errors.New("store is away")

func (s *shaky) set(away bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = away
}

func (s *shaky) looked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.looks
}

func (s *shaky) state() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.away {
		return errAway
	}
	return nil
}

func (s *shaky) Claim(ctx context.Context, tag string, entry []byte, ttl time.Duration) (bool, error) {
	if err := s.state(); err != nil {
		return false, err
	}
	return s.Memory.Claim(ctx, tag, entry, ttl)
}

func (s *shaky) Renew(ctx context.Context, tag, id string, entry []byte, ttl time.Duration) error {
	if err := s.state(); err != nil {
		return err
	}
	return s.Memory.Renew(ctx, tag, id, entry, ttl)
}

func (s *shaky) List(ctx context.Context) (map[string][]byte, error) {
	s.mu.Lock()
	s.looks++
	s.mu.Unlock()
	if err := s.state(); err != nil {
		return nil, err
	}
	return s.Memory.List(ctx)
}

// member is a registry that runs until its context ends.
type member struct {
	*Registry
	stop context.CancelFunc
	err  chan error
}

func join(t *testing.T, store Store, tags ...string) *member {
	t.Helper()
	c := Config{Store: store}
	if len(tags) > 0 {
		c.drawTag = func() string { tag := tags[0]; tags = tags[1:]; return tag }
	}
	r, err := Join(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Announce(t.Context(), "127.0.0.1:9")
	ctx, cancel := context.WithCancel(t.Context())
	m := &member{r, cancel, make(chan error, 1)}
	go func() { m.err <- r.Run(ctx) }()
	return m
}

// leave ends a member as a stop does.
func (m *member) leave(t *testing.T) {
	t.Helper()
	m.stop()
	<-m.err
	if err := m.Leave(context.Background()); err != nil {
		t.Error(err)
	}
}

func (m *member) knows(tag string) failure {
	_, why := m.copied(tag)
	return why
}

func TestTakenTagIsDrawnAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &shaky{}
		a := join(t, store, "same")
		b := join(t, store, "same", "same", "othr")
		if a.Tag() != "same" || b.Tag() != "othr" {
			t.Errorf("tags %s and %s", a.Tag(), b.Tag())
		}
		a.leave(t)
		b.leave(t)
		if left, _ := store.List(t.Context()); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
}

func TestNodesThatComeAndGoAreNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &shaky{}
		a, b := join(t, store), join(t, store)
		time.Sleep(3100 * time.Millisecond)
		if a.knows(b.Tag()) != failNone || b.knows(a.Tag()) != failNone || a.Stats().Nodes != 2 {
			t.Fatal("the nodes do not know each other after one refresh")
		}
		n, _ := a.copied(b.Tag())
		b.stop() // dies: the entry stays until its end
		<-b.err
		time.Sleep(9 * time.Second)
		if a.knows(b.Tag()) != failNone {
			t.Error("forgotten before its entry ended")
		}
		time.Sleep(12 * time.Second)
		if a.knows(b.Tag()) != failUnknown || n.gone.Err() == nil || a.Stats().Nodes != 1 {
			t.Error("a dead node is still known")
		}
		a.leave(t)
	})
}

func TestRedisOutageForgetsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &shaky{}
		a, b := join(t, store), join(t, store)
		time.Sleep(4 * time.Second)
		store.set(true)
		time.Sleep(time.Minute) // every entry has ended
		if a.knows(b.Tag()) != failNone || a.State() != "stale" {
			t.Fatalf("during the outage: state %s", a.State())
		}
		store.set(false)
		for range 40 {
			time.Sleep(250 * time.Millisecond)
			if a.knows(b.Tag()) != failNone || b.knows(a.Tag()) != failNone {
				t.Fatal("forgotten when the store came back")
			}
		}
		if a.State() != "ok" || a.Stats().RenewFailures == 0 || a.Stats().LookFailures == 0 {
			t.Errorf("after the outage: %s, %+v", a.State(), a.Stats())
		}
		a.leave(t)
		b.leave(t)
	})
}

func TestStartWithoutRedisClaimsLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &shaky{}
		store.set(true)
		a := join(t, store)
		if a.State() != "unclaimed" || !validTag(a.Tag()) {
			t.Errorf("state %s, tag %q", a.State(), a.Tag())
		}
		store.set(false)
		time.Sleep(4 * time.Second)
		if a.State() != "ok" {
			t.Errorf("state %s", a.State())
		}
		a.leave(t)
	})
}

// A node that was away for longer than its entry finds that another has its tag, and
// gives way at its next renewal.
func TestTwoNodesNeverKeepOneTag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, away := &shaky{}, &shaky{}
		a := join(t, &cutOff{store, away}, "same")
		time.Sleep(4 * time.Second)
		away.set(true)
		time.Sleep(15 * time.Second)
		b := join(t, store, "same")
		if b.Tag() != "same" {
			t.Fatalf("tag %s", b.Tag())
		}
		away.set(false)
		time.Sleep(4 * time.Second)
		select {
		case err := <-a.err:
			if !errors.Is(err, ErrTaken) {
				t.Errorf("ended with %v", err)
			}
		default:
			t.Error("both go on")
		}
		if a.State() != "taken" || a.Stats().Taken != 1 || b.State() != "ok" {
			t.Errorf("states %s and %s", a.State(), b.State())
		}
		if err := a.Leave(t.Context()); err != nil {
			t.Error(err)
		}
		if left, _ := store.List(t.Context()); len(left) != 1 {
			t.Error("the leaving node took the other's entry with it")
		}
		b.leave(t)
	})
}

// cutOff is a store that one node can be cut off from.
type cutOff struct {
	Store
	wire *shaky
}

func (c *cutOff) Renew(ctx context.Context, tag, id string, entry []byte, ttl time.Duration) error {
	if err := c.wire.state(); err != nil {
		return err
	}
	return c.Store.Renew(ctx, tag, id, entry, ttl)
}

func TestUnknownTagsCostFewLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &shaky{}
		a := join(t, store)
		time.Sleep(100 * time.Millisecond)
		before := store.looked()
		var asking sync.WaitGroup
		for i := range 5000 {
			asking.Go(func() {
				time.Sleep(time.Duration(i) * 200 * time.Microsecond) // for a second
				tag := "z" + string([]byte{tagAlphabet[i%64], tagAlphabet[i/64%64], tagAlphabet[i/4096]})
				if _, why := a.find(t.Context(), tag); why != failUnknown {
					t.Errorf("%s: %d", tag, why)
				}
			})
		}
		asking.Wait()
		if looks := store.looked() - before; looks > 6 {
			t.Errorf("%d looks within about a second", looks)
		}
		if n := len(a.copy.strangers); n > maxStrangers {
			t.Errorf("%d strangers are remembered", n)
		}
		a.leave(t)
	})
}

func TestNonsenseInTheRegistryIsSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &shaky{}
		good := Node{ID: "x", Address: "10.0.0.1:9090"}
		for tag, entry := range map[string]string{
			"good": string(good.entry()), "json": `{`, "type": `{"id":7}`, "noid": `{"address":"10.0.0.1:9"}`,
			"port": `{"id":"x","address":"10.0.0.1:0"}`, "path": `{"id":"x","address":"h/../x:9"}`, "long-tag": string(good.entry()),
			"t\x00ag": string(good.entry()), "nohp": `{"id":"x","address":"nonsense"}`, "big_": `{"id":"x","version":"` + string(make([]byte, maxEntryBytes)) + `"}`,
		} {
			_, _ = store.Claim(t.Context(), tag, []byte(entry), time.Hour)
		}
		a := join(t, store)
		time.Sleep(100 * time.Millisecond)
		if s := a.Stats(); a.knows("good") != failNone || s.Nodes != 2 || s.BadEntries != 9 {
			t.Errorf("%+v", s)
		}
		a.leave(t)
	})
}

func TestNodesAreListedThisOneFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &Memory{}
		var all []*Registry
		for _, tag := range []string{"cccc", "bbbb", "aaaa"} {
			r, err := Join(t.Context(), Config{Store: store, Version: "v1", drawTag: func() string { return tag }})
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, r)
			if err := r.Announce(t.Context(), "10.0.0.1:10"); err != nil {
				t.Fatal(err)
			}
		}
		_ = all[2].Drain(t.Context())
		if err := all[1].refresh(t.Context(), storeTimeout); err != nil {
			t.Fatal(err)
		}
		got := all[1].Nodes()
		if len(got) != 3 || got[0].Tag != "bbbb" || got[1].Tag != "aaaa" || got[2].Tag != "cccc" || !got[1].Draining || got[2].Draining || got[1].Version != "v1" {
			t.Errorf("%+v", got)
		}
		for _, r := range all {
			_ = r.Leave(t.Context())
		}
	})
}
