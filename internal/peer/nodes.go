package peer

import (
	"cmp"
	"context"
	"slices"
	"time"
)

const (
	// lookPace is the least time between two looks at the store for unknown tags,
	// however many requests name some.
	lookPace = 250 * time.Millisecond
	// lookTimeout and lookPace are what a request for an unknown tag waits for: it
	// shall be answered within a second.
	lookTimeout = 700 * time.Millisecond
	// strangerTime is how long a tag that nobody had is taken for unknown without
	// another look.
	strangerTime = time.Second
	maxStrangers = 1024
	// downTime is how long a node at whose address nobody listened is not tried again.
	downTime = time.Second
)

// nodes is the copy of the other nodes' entries. Guarded by Registry.mu.
type nodes struct {
	known     map[string]*known    // by tag
	listed    time.Time            // when the look began that it shows
	tried     time.Time            // when the last look began
	look      *look                // planned, and not begun; nil if none
	strangers map[string]time.Time // tags that nobody had, and when that was seen
}

// known is a node in the copy. An entry that changes becomes a new one.
type known struct {
	Node
	tag    string
	gone   context.Context // ends when the node is no longer part of the cluster
	forget context.CancelFunc

	missing time.Time // since when the store does not list it; zero while it does
	down    time.Time // until when it is not asked. Guarded by Registry.mu
}

// Listed is a node with its tag.
type Listed struct {
	Tag string
	Node
}

// Nodes returns this node and then the others that are known, in the order of their tags.
func (r *Registry) Nodes() []Listed {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Listed, 0, 1+len(r.copy.known))
	for tag, n := range r.copy.known {
		all = append(all, Listed{tag, n.Node})
	}
	slices.SortFunc(all, func(a, b Listed) int { return cmp.Compare(a.Tag, b.Tag) })
	return slices.Insert(all, 0, Listed{r.tag, r.self})
}

// look is one look at the store, for all who wait for it.
type look struct {
	done chan struct{}
	err  error // set before done is closed
}

// find returns the node with a tag. Where the copy does not know it, find waits for a
// look at the store that begins after the call, so that a node which has just started
// is found.
func (r *Registry) find(ctx context.Context, tag string) (*known, failure) {
	n, why := r.copied(tag)
	if why != failUnknown || r.isStranger(tag) {
		return n, why
	}
	l := r.plan()
	select {
	case <-l.done:
	case <-ctx.Done():
		return nil, failUnknown
	}
	if n, why = r.copied(tag); why == failUnknown && l.err == nil {
		r.addStranger(tag)
	}
	return n, why
}

func (r *Registry) copied(tag string) (*known, failure) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.copy.known[tag]
	switch {
	case n == nil || n.Address == "":
		return nil, failUnknown
	case time.Now().Before(n.down):
		return nil, failDown
	}
	return n, failNone
}

// markDown keeps a node from being asked for a while, as nobody listens at its address.
func (r *Registry) markDown(n *known) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if present := r.copy.known[n.tag]; present != nil && present.ID == n.ID && present.Address == n.Address {
		present.down = time.Now().Add(downTime)
	}
}

func (r *Registry) isStranger(tag string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen, ok := r.copy.strangers[tag]
	return ok && time.Since(seen) < strangerTime
}

func (r *Registry) addStranger(tag string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.copy.strangers) >= maxStrangers {
		clear(r.copy.strangers)
	}
	r.copy.strangers[tag] = time.Now()
}

// plan returns the next look at the store, which begins when the last one is old
// enough. All who ask before it begins share it.
func (r *Registry) plan() *look {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.copy.look != nil {
		return r.copy.look
	}
	l := &look{done: make(chan struct{})}
	r.copy.look = l
	pause := lookPace - time.Since(r.copy.tried)
	r.looking.Go(func() {
		time.Sleep(pause)
		r.mu.Lock()
		r.copy.look = nil // who asks from now on needs a later one
		r.mu.Unlock()
		l.err = r.refresh(context.Background(), lookTimeout)
		close(l.done)
	})
	return l
}

// refresh renews the copy. When the store does not answer, the copy stays: the nodes
// in it are most likely there, and which are not shows when they are asked.
func (r *Registry) refresh(ctx context.Context, timeout time.Duration) error {
	began := time.Now()
	r.mu.Lock()
	r.copy.tried = began
	r.mu.Unlock()
	within, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	entries, err := r.cfg.Store.List(within)
	if err != nil {
		if ctx.Err() == nil {
			r.stats.lookFailures.Add(1)
			r.away(err)
		}
		return err
	}
	came, went := r.merge(r.parse(entries), began)
	for _, n := range came {
		r.log.Info("node appeared", "node", n.tag, "address", n.Address, "version", n.Version)
	}
	for _, n := range went {
		n.forget()
		r.log.Info("node gone", "node", n.tag, "address", n.Address)
	}
	return nil
}

// parse reads the entries of the other nodes.
func (r *Registry) parse(entries map[string][]byte) map[string]Node {
	out := make(map[string]Node, len(entries))
	for tag, entry := range entries {
		n, err := parseNode(tag, entry)
		switch {
		case tag == r.tag:
		case err != nil:
			r.stats.badEntries.Add(1)
		case len(out) < maxNodes:
			out[tag] = n
		}
	}
	return out
}

// merge takes what the store says into the copy and returns what is new in it and what
// is no longer.
func (r *Registry) merge(entries map[string]Node, began time.Time) (came, went []*known) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &r.copy
	if began.Before(c.listed) {
		return nil, nil // a later look was faster
	}
	c.listed = began
	// An entry that is missing for less than this may be one that Redis has lost: its
	// node writes it again with its next renewal.
	patience := r.cfg.Refresh + storeTimeout
	for tag, n := range c.known {
		if entry, listed := entries[tag]; listed {
			if n.missing = (time.Time{}); entry.ID == n.ID {
				continue
			}
		} else if n.missing.IsZero() {
			n.missing = began
			continue
		} else if began.Sub(n.missing) < patience {
			continue
		}
		delete(c.known, tag) // dead, or another node has its tag: its sessions are gone
		went = append(went, n)
	}
	for tag, entry := range entries {
		n := &known{Node: entry, tag: tag}
		if old := c.known[tag]; old != nil {
			n.gone, n.forget = old.gone, old.forget
			if old.Address == n.Address {
				n.down = old.down
			}
		} else {
			n.gone, n.forget = context.WithCancel(context.Background())
			came = append(came, n)
		}
		c.known[tag] = n
	}
	return came, went
}
