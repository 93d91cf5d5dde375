package peer

import (
	"context"
	"sync"
	"time"
)

// Memory is a Store for the nodes of one process. The zero value is empty.
type Memory struct {
	mu sync.Mutex
	// Guarded by mu.
	entries map[string]memoryEntry
}

type memoryEntry struct {
	value   []byte
	expires time.Time
}

var _ Store = (*Memory)(nil)

// Claim implements Store.
func (m *Memory) Claim(ctx context.Context, tag string, entry []byte, ttl time.Duration) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.get(tag) != nil {
		return false, ctx.Err()
	}
	m.set(tag, entry, ttl)
	return true, ctx.Err()
}

// Renew implements Store.
func (m *Memory) Renew(ctx context.Context, tag, id string, entry []byte, ttl time.Duration) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if present := m.get(tag); present != nil && !isOf(present, id) {
		return ErrTaken
	}
	m.set(tag, entry, ttl)
	return ctx.Err()
}

// Remove implements Store.
func (m *Memory) Remove(ctx context.Context, tag, id string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if isOf(m.get(tag), id) {
		delete(m.entries, tag)
	}
	return ctx.Err()
}

// List implements Store.
func (m *Memory) List(ctx context.Context) (map[string][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string][]byte{}
	for tag := range m.entries {
		if value := m.get(tag); value != nil {
			out[tag] = value
		}
	}
	return out, ctx.Err()
}

func (m *Memory) get(tag string) []byte {
	e, ok := m.entries[tag]
	if !ok || !time.Now().Before(e.expires) {
		return nil
	}
	return e.value
}

func (m *Memory) set(tag string, entry []byte, ttl time.Duration) {
	if m.entries == nil {
		m.entries = map[string]memoryEntry{}
	}
	m.entries[tag] = memoryEntry{entry, time.Now().Add(ttl)}
}
