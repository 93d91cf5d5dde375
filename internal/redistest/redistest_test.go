package redistest_test

import (
	"context"
	"os"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/internal/redistest"
)

func TestMain(m *testing.M) { os.Exit(redistest.Main(m)) }

func client(t *testing.T, url string) *goredis.Client {
	t.Helper()
	o, err := goredis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	o.MaxRetries, o.DialerRetries, o.ReadTimeout = -1, 1, 200*time.Millisecond
	c := goredis.NewClient(o)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestTestsShareOneServer(t *testing.T) {
	a, b := redistest.Start(t), redistest.Start(t)
	if a != b {
		t.Errorf("two servers: %s, %s", a, b)
	}
	if first, second := redistest.Prefix(t), redistest.Prefix(t); first == second {
		t.Error("the same prefix twice")
	}
	if err := client(t, a).Ping(context.Background()).Err(); err != nil {
		t.Error(err)
	}
}

func TestFaultyServerComesAndGoes(t *testing.T) {
	f := redistest.StartFaulty(t)
	c := client(t, f.URL())
	ctx := context.Background()
	if err := c.Ping(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	f.Stop()
	if err := c.Ping(ctx).Err(); err == nil {
		t.Error("answered while stopped")
	}
	f.Restart()
	if err := client(t, f.URL()).Ping(ctx).Err(); err != nil {
		t.Errorf("after restart: %v", err)
	}
	f.Pause()
	if err := client(t, f.URL()).Ping(ctx).Err(); err == nil {
		t.Error("answered while paused")
	}
	f.Resume()
	if err := client(t, f.URL()).Ping(ctx).Err(); err != nil {
		t.Errorf("after resume: %v", err)
	}
}

func TestOwnServerIsKilledFrozenAndComesBack(t *testing.T) {
	o := redistest.StartOwn(t)
	ctx := context.Background()
	for _, fault := range []struct {
		name       string
		begin, end func()
	}{{"killed", o.Kill, o.Restart}, {"frozen", o.Freeze, o.Thaw}} {
		if err := client(t, o.URL()).Ping(ctx).Err(); err != nil {
			t.Fatalf("before %s: %v", fault.name, err)
		}
		fault.begin()
		if err := client(t, o.URL()).Ping(ctx).Err(); err == nil {
			t.Errorf("answered while %s", fault.name)
		}
		fault.end()
		if err := client(t, o.URL()).Ping(ctx).Err(); err != nil {
			t.Errorf("after %s: %v", fault.name, err)
		}
	}
}

func TestToxicWaySwallowsAndDelays(t *testing.T) {
	x := redistest.StartToxic(t, redistest.Start(t))
	ctx := context.Background()
	c := client(t, "redis://"+x.Address())
	if err := c.Ping(ctx).Err(); err != nil {
		t.Fatal(err)
	}
	x.Silence(redistest.FromRedis)
	if err := c.Ping(ctx).Err(); err == nil {
		t.Error("answered while silent")
	}
	x.Heal()
	x.Delay(100 * time.Millisecond)
	start := time.Now()
	if err := client(t, "redis://"+x.Address()).Ping(ctx).Err(); err != nil || time.Since(start) < 100*time.Millisecond {
		t.Errorf("answered after %v: %v", time.Since(start), err)
	}
}
