package access

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// inTime runs a test in virtual time with an Access that runs.
func inTime(t *testing.T, cfg Config, test func(t *testing.T, a *Access)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := build(t, cfg)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			a.Run(ctx)
		}()
		test(t, a)
		cancel()
		<-done
	})
}

// enter is a client whose token ends after a while.
func (a *Access) enter(t *testing.T, left time.Duration) (*Member, *client) {
	t.Helper()
	m, code := a.admit(t, hs(t, jwt.MapClaims{"exp": time.Now().Add(left).Unix()}))
	if code != "" {
		t.Fatalf("%q", code)
	}
	c := newClient()
	a.Enter(m, c)
	return m, c
}

func TestConnectionEndsWithItsToken(t *testing.T) {
	inTime(t, Config{Keys: []Key{hsKey()}}, func(t *testing.T, a *Access) {
		clients := map[time.Duration]*client{}
		for _, n := range rand.Perm(7200)[:50] { // different ones, in any order
			left := time.Duration(1+n) * time.Second
			_, clients[left] = a.enter(t, left)
		}
		last := time.Duration(0)
		check := func(at time.Duration) {
			time.Sleep(at - last)
			synctest.Wait()
			last = at
			for left, c := range clients {
				if c.isGone() != (left <= at) {
					t.Errorf("a token of %v: gone %v after %v", left, c.isGone(), at)
				}
			}
		}
		for at := time.Duration(0); at <= 2*time.Hour; at += 500 * time.Second {
			check(at)
		}
		check(2 * time.Hour)
		if st := a.Stats(); st.Watched != 0 || st.Expired != int64(len(clients)) {
			t.Errorf("%d are watched, %d have expired, want 0 and %d", st.Watched, st.Expired, len(clients))
		}
	})
}

func TestConnectionEndsInTheSecondOfItsToken(t *testing.T) {
	inTime(t, Config{Keys: []Key{hsKey()}, Leeway: 5 * time.Second}, func(t *testing.T, a *Access) {
		_, c := a.enter(t, 10*time.Second)
		time.Sleep(15*time.Second - time.Millisecond) // its end, and the leeway
		synctest.Wait()
		if c.isGone() {
			t.Error("gone too early")
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if !c.isGone() {
			t.Error("still there")
		}
	})
}

func TestClientThatLeftIsNotSentAway(t *testing.T) {
	inTime(t, Config{Keys: []Key{hsKey()}}, func(t *testing.T, a *Access) {
		var members []*Member
		var clients []*client
		for i := range 200 {
			m, c := a.enter(t, time.Duration(200-i)*time.Second)
			members, clients = append(members, m), append(clients, c)
		}
		for i, m := range members {
			if i%2 == 0 {
				a.Leave(m)
				a.Leave(m) // again: nothing
			}
		}
		if st := a.Stats(); st.Watched != 100 || st.Shared != 1 {
			t.Errorf("%d are watched, with %d grants", st.Watched, st.Shared)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		for i, c := range clients {
			if c.isGone() == (i%2 == 0) {
				t.Errorf("client %d: gone %v", i, c.isGone())
			}
		}
		for _, m := range members {
			a.Leave(m) // those who were sent away leave as well
		}
		if st := a.Stats(); st.Watched != 0 || st.Shared != 0 {
			t.Errorf("%d are watched, %d grants are left", st.Watched, st.Shared)
		}
	})
}

func TestRenewedTokenMovesTheEnd(t *testing.T) {
	inTime(t, Config{Keys: []Key{hsKey()}}, func(t *testing.T, a *Access) {
		renew := func(m *Member, left time.Duration) {
			next, err := a.Renew(t.Context(), m, "/", hs(t, jwt.MapClaims{"exp": time.Now().Add(left).Unix()}))
			if err != nil {
				t.Fatal(err)
			}
			a.Replace(m, next, nil)
		}
		later, stays := a.enter(t, time.Minute)
		sooner, goes := a.enter(t, time.Hour)
		renew(later, 10*time.Minute)
		renew(sooner, 30*time.Second)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if stays.isGone() || !goes.isGone() {
			t.Errorf("renewed for longer: gone %v; for shorter: gone %v", stays.isGone(), goes.isGone())
		}
		renew(sooner, time.Hour) // too late, and no harm
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if !stays.isGone() || a.Stats().Watched != 0 {
			t.Error("the renewed one does not end")
		}
	})
}
