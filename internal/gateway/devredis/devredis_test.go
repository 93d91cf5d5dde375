package devredis_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"github.com/causeway-rt/causeway/internal/gateway/devredis"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T) (context.Context, *goredis.Client) {
	t.Helper()
	s, err := devredis.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	o, err := goredis.ParseURL(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	c := goredis.NewClient(o)
	t.Cleanup(func() { c.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx, c
}

// A node that ends without a word must leave the registry by itself.
func TestKeysExpire(t *testing.T) {
	ctx, c := start(t)
	begun := time.Now()
	if err := c.Set(ctx, "node", "1", 600*time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	for {
		switch err := c.Get(ctx, "node").Err(); {
		case errors.Is(err, goredis.Nil):
			if took := time.Since(begun); took < 300*time.Millisecond {
				t.Errorf("gone after %v", took)
			}
			return
		case err != nil:
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond) // between looks, until ctx ends
	}
}

func TestMessagesOfOneChannelArriveInOrder(t *testing.T) {
	ctx, c := start(t)
	p := c.Subscribe(ctx, "a")
	defer p.Close()
	if _, err := p.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	const n = 1000
	go func() {
		pipe := c.Pipeline()
		for i := range n {
			pipe.Publish(ctx, "a", fmt.Sprint(i))
		}
		_, _ = pipe.Exec(ctx) // what is missing is noticed below
	}()
	for i := range n {
		m, err := p.ReceiveMessage(ctx)
		if err != nil || m.Payload != fmt.Sprint(i) {
			t.Fatalf("message %d: %v, %v", i, m, err)
		}
	}
}
