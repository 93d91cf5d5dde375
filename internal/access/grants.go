package access

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
)

// Grants are what a client gets and may do. The zero value is nothing.
type Grants struct {
	// Rooms are joined at the connect.
	Rooms []string
	// Join, Leave and Publish are patterns of the rooms that the client may join, leave and
	// publish to by relay events. See CheckPattern.
	Join, Leave, Publish []string
}

// check says what is wrong with g.
func (g *Grants) check() error {
	if len(g.Rooms) > MaxPatterns {
		return fmt.Errorf("%d rooms: at most %d", len(g.Rooms), MaxPatterns)
	}
	if !all(g.Rooms, CheckRoom) {
		return fmt.Errorf("a room that is empty, longer than %d bytes, not UTF-8 or has a *", MaxNameBytes)
	}
	for _, list := range [][]string{g.Join, g.Leave, g.Publish} {
		if len(list) > MaxPatterns {
			return fmt.Errorf("%d patterns: at most %d", len(list), MaxPatterns)
		}
		if !all(list, CheckPattern) {
			return fmt.Errorf("a pattern that is empty, longer than %d bytes, not UTF-8 or has more than one *", MaxNameBytes)
		}
	}
	return nil
}

func all(list []string, ok func(string) bool) bool {
	return !slices.ContainsFunc(list, func(s string) bool { return !ok(s) })
}

// puts reports whether a client with these grants may be in a room on their account.
func (g *Grants) puts(room string) bool {
	return slices.Contains(g.Rooms, room) || matchAny(g.Join, room)
}

// sum identifies equal grants.
func (g *Grants) sum() [sha256.Size]byte {
	text := make([]byte, 0, 512)
	for _, list := range [...][]string{g.Rooms, g.Join, g.Leave, g.Publish} {
		text = binary.AppendUvarint(text, uint64(len(list)))
		for _, s := range list {
			text = binary.AppendUvarint(text, uint64(len(s)))
			text = append(text, s...)
		}
	}
	return sha256.Sum256(text)
}

// sorted are the same grants in an order that is always the same.
func (g *Grants) sorted() *Grants {
	by := func(list []string) []string { return slices.Sorted(slices.Values(list)) }
	return &Grants{Rooms: by(g.Rooms), Join: by(g.Join), Leave: by(g.Leave), Publish: by(g.Publish)}
}

// shared are grants that several members have.
type shared struct {
	Grants
	sum     [sha256.Size]byte
	members int // Guarded by sharing.mu.
}

// sharing keeps one copy of equal grants: most users of an application have the same.
type sharing struct {
	mu sync.Mutex
	// Guarded by mu.
	by map[[sha256.Size]byte]*shared
}

// find returns the copy of g that members share, or one that they will. It is not theirs
// before take.
func (t *sharing) find(g Grants) *shared {
	sum := g.sum()
	t.mu.Lock()
	defer t.mu.Unlock()
	if same := t.by[sum]; same != nil {
		return same
	}
	return &shared{Grants: g, sum: sum}
}

// take returns the copy of g that all members share.
func (t *sharing) take(g *shared) *shared {
	t.mu.Lock()
	defer t.mu.Unlock()
	if same := t.by[g.sum]; same != nil {
		g = same
	} else {
		t.by[g.sum] = g
	}
	g.members++
	return g
}

// give ends a take.
func (t *sharing) give(g *shared) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g.members--
	if g.members > 0 {
		return
	}
	delete(t.by, g.sum)
	if len(t.by) == 0 {
		t.by = make(map[[sha256.Size]byte]*shared) // a map never shrinks
	}
}

func (t *sharing) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.by)
}
