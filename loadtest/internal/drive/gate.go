package drive

import (
	"context"
	"sync"
	"sync/atomic"
)

// gate lets goroutines through while it is open. The zero gate is shut.
type gate struct {
	open atomic.Bool

	mu     sync.Mutex
	opened chan struct{} // guarded by mu: closed when the gate opens; nil if nobody waits
}

// set opens or shuts it.
func (g *gate) set(open bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open.Store(open)
	if open && g.opened != nil {
		close(g.opened)
		g.opened = nil
	}
}

// pass waits until it is open. It returns false when ctx has ended.
func (g *gate) pass(ctx context.Context) bool {
	if g.open.Load() {
		return ctx.Err() == nil
	}
	select {
	case <-g.waiting():
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// waiting returns what is closed when the gate is open.
func (g *gate) waiting() <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open.Load() {
		passed := make(chan struct{})
		close(passed)
		return passed
	}
	if g.opened == nil {
		g.opened = make(chan struct{})
	}
	return g.opened
}
