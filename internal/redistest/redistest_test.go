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
