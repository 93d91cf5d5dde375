package peer

import (
	"errors"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/internal/redistest"
)

// stores are the kinds of Store, each empty and with a name.
func stores(t *testing.T) map[string]Store {
	t.Helper()
	options, err := goredis.ParseURL(redistest.Start(t))
	if err != nil {
		t.Fatal(err)
	}
	client := goredis.NewClient(options)
	t.Cleanup(func() { client.Close() })
	return map[string]Store{"memory": &Memory{}, "redis": NewRedis(client, redistest.Prefix(t))}
}

func TestEveryStoreKeepsItsPromises(t *testing.T) {
	for name, store := range stores(t) {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			mine, other := Node{ID: "mine", Address: "h:1"}, Node{ID: "other", Address: "h:2"}
			claim := func(n Node, want bool) {
				t.Helper()
				if got, err := store.Claim(ctx, "tag1", n.entry(), time.Minute); err != nil || got != want {
					t.Fatalf("claim by %s: %v, %v", n.ID, got, err)
				}
			}
			claim(mine, true)
			claim(other, false)
			if err := store.Renew(ctx, "tag1", "other", other.entry(), time.Minute); !errors.Is(err, ErrTaken) {
				t.Errorf("renewal by another: %v", err)
			}
			mine.Draining = true
			if err := store.Renew(ctx, "tag1", "mine", mine.entry(), 50*time.Millisecond); err != nil {
				t.Errorf("renewal: %v", err)
			}
			list, err := store.List(ctx)
			if n, _ := parseNode("tag1", list["tag1"]); err != nil || !n.Draining || len(list) != 1 {
				t.Errorf("list: %q, %v", list, err)
			}
			if err := store.Remove(ctx, "tag1", "other"); err != nil {
				t.Error(err)
			}
			until(t, "the entry to end", func() bool { list, err := store.List(ctx); return err == nil && len(list) == 0 })
			if err := store.Renew(ctx, "tag1", "mine", mine.entry(), time.Minute); err != nil {
				t.Errorf("renewal of an entry that is gone: %v", err)
			}
			claim(other, false)
			if err := store.Remove(ctx, "tag1", "mine"); err != nil {
				t.Error(err)
			}
			claim(other, true)
		})
	}
}

// A list that only grew would make every look dearer than the last.
func TestTagsOfDeadNodesLeaveTheList(t *testing.T) {
	store := stores(t)["redis"].(*Redis)
	n := Node{ID: "x", Address: "h:1"}
	if _, err := store.Claim(t.Context(), "dead", n.entry(), 10*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	until(t, "the tag to leave the list", func() bool {
		if _, err := store.List(t.Context()); err != nil {
			t.Fatal(err)
		}
		size, err := store.client.SCard(t.Context(), store.index).Result()
		return err == nil && size == 0
	})
}
