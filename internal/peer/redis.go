package peer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Redis is a Store in Redis. Each node has a key of its own, which Redis removes when
// it is not renewed, and a set has the tags of all, as looking for keys by pattern
// would cost as much as everything else that is in this Redis. Every command names one
// key: it works on a Redis Cluster wherever the keys are.
type Redis struct {
	client goredis.UniversalClient
	index  string
	stale  map[string]int // owned by List: how often in a row a listed tag had no key
	turn   chan struct{}  // held by List
}

var _ Store = (*Redis)(nil)

// NewRedis returns a store whose keys begin with prefix. client must not repeat
// commands (MaxRetries -1), but for those that a Redis Cluster has repeated, and outlives
// the store.
func NewRedis(client goredis.UniversalClient, prefix string) *Redis {
	return &Redis{client: client, index: prefix + ":{nodes}", stale: map[string]int{}, turn: make(chan struct{}, 1)}
}

func (r *Redis) key(tag string) string { return r.index + ":" + tag }

// Claim implements Store.
func (r *Redis) Claim(ctx context.Context, tag string, entry []byte, ttl time.Duration) (bool, error) {
	claimed, err := r.client.SetNX(ctx, r.key(tag), entry, ttl).Result()
	if err == nil && !claimed {
		// In a Redis Cluster, go-redis repeats a command whose answer was lost. What is
		// there may be what the first one wrote.
		var present []byte
		present, err = r.client.Get(ctx, r.key(tag)).Bytes()
		claimed = bytes.Equal(present, entry)
	}
	if err != nil {
		return false, fmt.Errorf("claim tag: %w", err)
	}
	if !claimed {
		return false, nil
	}
	return true, r.list(ctx, tag)
}

// Renew implements Store. Between the look and the write the key may expire and be
// claimed by another node that drew the same tag of 16 million. The other finds out
// when it renews.
func (r *Redis) Renew(ctx context.Context, tag, id string, entry []byte, ttl time.Duration) error {
	present, err := r.client.Get(ctx, r.key(tag)).Bytes()
	if errors.Is(err, goredis.Nil) {
		claimed, err := r.Claim(ctx, tag, entry, ttl)
		if err == nil && !claimed {
			return ErrTaken
		}
		return err
	}
	if err != nil {
		return fmt.Errorf("look at tag: %w", err)
	}
	if !isOf(present, id) {
		return ErrTaken
	}
	if err := r.client.Set(ctx, r.key(tag), entry, ttl).Err(); err != nil {
		return fmt.Errorf("renew tag: %w", err)
	}
	return r.list(ctx, tag)
}

func (r *Redis) list(ctx context.Context, tag string) error {
	if err := r.client.SAdd(ctx, r.index, tag).Err(); err != nil {
		return fmt.Errorf("list tag: %w", err)
	}
	return nil
}

// Remove implements Store.
func (r *Redis) Remove(ctx context.Context, tag, id string) error {
	present, err := r.client.Get(ctx, r.key(tag)).Bytes()
	switch {
	case errors.Is(err, goredis.Nil):
		return nil
	case err != nil:
		return fmt.Errorf("look at tag: %w", err)
	case !isOf(present, id):
		return nil
	}
	if err := r.client.Del(ctx, r.key(tag)).Err(); err != nil {
		return fmt.Errorf("remove tag: %w", err)
	}
	if err := r.client.SRem(ctx, r.index, tag).Err(); err != nil {
		return fmt.Errorf("unlist tag: %w", err)
	}
	return nil
}

// List implements Store.
func (r *Redis) List(ctx context.Context) (map[string][]byte, error) {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	tags, err := r.client.SMembers(ctx, r.index).Result()
	if err != nil {
		return nil, fmt.Errorf("list tags: %w", err)
	}
	if len(tags) > maxNodes {
		tags = tags[:maxNodes]
	}
	pipe := r.client.Pipeline()
	for _, tag := range tags {
		pipe.Get(ctx, r.key(tag))
	}
	results, err := pipe.Exec(ctx)
	if err != nil && !errors.Is(err, goredis.Nil) {
		return nil, fmt.Errorf("look at tags: %w", err)
	}
	out := make(map[string][]byte, len(tags))
	for i, result := range results {
		value, err := result.(*goredis.StringCmd).Bytes()
		switch {
		case err == nil:
			out[tags[i]] = value
		case !errors.Is(err, goredis.Nil):
			return nil, fmt.Errorf("look at tag: %w", err)
		}
	}
	r.sweep(ctx, tags, out)
	return out, nil
}

// sweepAfter is how many looks in a row must find no key before a tag is taken off
// the list. A node whose key has merely expired puts it there again when it renews.
const sweepAfter = 4

// sweep takes tags of dead nodes off the list, so that it does not grow for ever.
func (r *Redis) sweep(ctx context.Context, tags []string, alive map[string][]byte) {
	stale := map[string]int{}
	for _, tag := range tags {
		if _, ok := alive[tag]; ok {
			continue
		}
		if stale[tag] = r.stale[tag] + 1; stale[tag] >= sweepAfter {
			_ = r.client.SRem(ctx, r.index, tag).Err() // the next look tries again
		}
	}
	r.stale = stale
}
