package peer

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync"
	"time"
)

const (
	claimAttempts = 64 // tags that are drawn before giving up; one in thousands is taken
	// storeTimeout bounds one conversation with the store, but for one that a request
	// waits for.
	storeTimeout = 2 * time.Second
)

// Config says how a Registry works. Store is required.
type Config struct {
	Store Store
	// Version is what this node writes of itself.
	Version string
	// TTL is how long an entry outlives its node. 0 means 10 s.
	TTL time.Duration
	// Refresh is the time between renewals of the own entry and looks at the others.
	// 0 means 3 s.
	Refresh time.Duration
	// Logger is told of failures of the store and of nodes that come and go. nil
	// means that nothing is logged.
	Logger *slog.Logger

	drawTag func() string // randomTag; tests choose
}

// Registry is this node's claim to its tag, and its copy of where the others are.
// Its methods may be called from any goroutine.
type Registry struct {
	// Immutable.
	cfg Config
	log *slog.Logger
	tag string

	stats   registryCounters
	outage  outage // of the store
	looking sync.WaitGroup
	turn    chan struct{} // held by whoever writes the own entry

	mu sync.Mutex
	// Guarded by mu.
	self    Node
	claimed bool // the store has confirmed the tag at least once
	taken   bool
	renewed time.Time // the last success
	copy    nodes
}

// Join draws a tag and claims it. When the store does not answer before ctx ends, the
// tag is claimed later, by Run: until then State says so. The error is ErrTaken when
// no free tag was found.
func Join(ctx context.Context, cfg Config) (*Registry, error) {
	if cfg.TTL == 0 {
		cfg.TTL = 10 * time.Second
	}
	if cfg.Refresh == 0 {
		cfg.Refresh = 3 * time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.drawTag == nil {
		cfg.drawTag = randomTag
	}
	r := &Registry{
		cfg: cfg, log: cfg.Logger, turn: make(chan struct{}, 1),
		copy: nodes{known: map[string]*known{}, strangers: map[string]time.Time{}},
		self: Node{ID: rand.Text(), Version: cfg.Version, Started: time.Now().UTC()},
	}
	for range claimAttempts {
		r.tag = cfg.drawTag()
		free, err := cfg.Store.Claim(ctx, r.tag, r.self.entry(), cfg.TTL)
		if err != nil {
			r.stats.renewFailures.Add(1)
			r.away(err)
			return r, nil
		}
		if free {
			r.claimed, r.renewed = true, time.Now()
			return r, nil
		}
	}
	return nil, ErrTaken
}

func randomTag() string {
	var b [tagBytes]byte
	_, _ = rand.Read(b[:]) // never fails
	for i := range b {
		b[i] = tagAlphabet[b[i]%64]
	}
	return string(b[:])
}

// Tag is the 4 characters with which this node's session ids begin.
func (r *Registry) Tag() string { return r.tag }

// Count asks the store how many nodes there are, this one included.
func (r *Registry) Count(ctx context.Context) (int, error) {
	if err := r.refresh(ctx, storeTimeout); err != nil {
		return 0, err
	}
	return r.Stats().Nodes, nil
}

// Announce tells the others where this node listens. Its error says that they do not
// know yet: Run tries again.
func (r *Registry) Announce(ctx context.Context, address string) error {
	r.mu.Lock()
	r.self.Address = address
	r.mu.Unlock()
	return r.renew(ctx)
}

// Drain tells the others that this node takes no new sessions. Its error is as
// Announce's.
func (r *Registry) Drain(ctx context.Context) error {
	r.mu.Lock()
	r.self.Draining = true
	r.mu.Unlock()
	return r.renew(ctx)
}

// Leave takes this node out of the registry, once Run has ended and nobody calls any
// other method. It ends what still waits for other nodes.
func (r *Registry) Leave(ctx context.Context) error {
	r.mu.Lock()
	id, all := r.self.ID, r.copy.known
	r.copy.known = nil
	r.mu.Unlock()
	for _, n := range all {
		n.forget()
	}
	r.looking.Wait()
	return r.cfg.Store.Remove(ctx, r.tag, id)
}

// Run keeps the claim and the copy fresh until ctx ends, and returns nil then. It
// returns ErrTaken when another node has this node's tag: this one must stop serving.
func (r *Registry) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil
		}
		err := r.renew(ctx)
		if errors.Is(err, ErrTaken) {
			return err
		}
		next := r.cfg.Refresh
		if errors.Join(err, r.refresh(ctx, storeTimeout)) != nil {
			next /= 6 // the entry must not end for a few answers that came late
		}
		timer.Reset(next)
	}
}

// away tells once of a store that does not answer, until it does again.
func (r *Registry) away(err error) {
	if r.outage.begin() {
		r.log.Warn("registry is away", "tag", r.tag, "error", err)
	}
}

// renew writes the own entry.
func (r *Registry) renew(ctx context.Context) error {
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	r.mu.Lock()
	entry, id, taken := r.self.entry(), r.self.ID, r.taken
	r.mu.Unlock()
	if taken {
		return ErrTaken
	}
	within, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	err := r.cfg.Store.Renew(within, r.tag, id, entry, r.cfg.TTL)
	r.mu.Lock()
	if err == nil {
		r.claimed, r.renewed = true, time.Now()
	}
	r.taken = errors.Is(err, ErrTaken)
	r.mu.Unlock()
	switch {
	case errors.Is(err, ErrTaken):
		r.stats.taken.Add(1)
		r.log.Error("node tag is taken by another node", "tag", r.tag)
	case err != nil && ctx.Err() == nil:
		r.stats.renewFailures.Add(1)
		r.away(err)
	case err == nil:
		if lasted, was := r.outage.end(); was {
			r.log.Info("registry is back", "tag", r.tag, "away", lasted)
		}
	}
	return err
}
