package redis

import (
	"slices"
	"sync"
	"time"
)

// channelKind says what arrives by a subscription.
type channelKind uint8

const (
	kindBroadcast channelKind = iota
	kindPrivate               // a pattern: broadcasts to the rooms of this node's sockets
	kindRequest
	kindResponse
	kindShard // everything of a sharded adapter's channel
)

// interest is one subscription that this node wants. It exists from the first Join until
// some time after the Leave.
type interest struct {
	name string // of the channel, or the pattern
	kind channelKind

	// Guarded by the mu of interests.
	//
	// owners are the namespaces that want it. They are two where names with '#'
	// give one channel two meanings: namespace /a#b, and room b of /a.
	owners    []string
	state     subscription
	leftAt    time.Time
	lingering bool          // it is in the list of those that wait to be unsubscribed
	revokedAt time.Time     // when Redis ended it of itself; zero if it has not
	ready     chan struct{} // closed when there is nothing (more) to wait for
}

// wanted needs the mu of interests.
func (i *interest) wanted() bool { return len(i.owners) > 0 }

// lingerer is an interest that was left, or looked at in vain, at that time.
type lingerer struct {
	*interest
	since time.Time
}

// subscription is how far an interest has got on the connection of the moment.
type subscription uint8

const (
	subscriptionQueued subscription = iota
	subscriptionSent
	subscriptionConfirmed
)

// interests is what this node wants to hear, and how far that has got. It knows no
// Redis: the goroutine that subscribes takes from it what to say.
type interests struct {
	linger time.Duration
	wake   chan struct{} // holds one token when there is something to subscribe

	mu sync.RWMutex
	// Guarded by mu.
	byName    map[string]*interest
	queue     []*interest // to be subscribed
	lingerers []lingerer  // to be unsubscribed when their time has come; the oldest first
	pending   int         // wanted, but not confirmed
	away      bool        // the subscriptions were up once, and are not now
}

func newInterests(linger time.Duration) *interests {
	return &interests{linger: linger, wake: make(chan struct{}, 1), byName: make(map[string]*interest)}
}

// add says that a subscription is wanted. It returns nil when it is up, or when Redis
// is away: then everything is in the same state until Redis is back. Otherwise it
// returns what is closed as soon as one of the two is so.
func (x *interests) add(name string, kind channelKind, namespace string) <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	i := x.byName[name]
	if i == nil {
		i = x.create(name, kind, namespace)
	}
	if !slices.Contains(i.owners, namespace) {
		i.owners = append(i.owners, namespace)
	}
	if x.away || i.state == subscriptionConfirmed {
		return nil
	}
	return i.ready
}

// restore adds what the node says that it needs, in case a Join was given up and its
// room kept. What is known is left as it is: what the node said may be out of date.
func (x *interests) restore(name string, kind channelKind, namespace string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.byName[name] == nil {
		x.create(name, kind, namespace)
	}
}

// create needs mu.
func (x *interests) create(name string, kind channelKind, namespace string) *interest {
	i := &interest{name: name, kind: kind, owners: []string{namespace}, ready: make(chan struct{})}
	x.byName[name] = i
	x.enqueue(i)
	return i
}

// enqueue needs mu.
func (x *interests) enqueue(i *interest) {
	i.state = subscriptionQueued
	x.pending++
	x.queue = append(x.queue, i)
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// remove says that a subscription is not wanted any more. It is kept for a while, because
// a room that has been left is often joined again at once.
func (x *interests) remove(name, namespace string, now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	i := x.byName[name]
	if i == nil || !i.wanted() {
		return
	}
	i.owners = slices.DeleteFunc(i.owners, func(owner string) bool { return owner == namespace })
	if i.wanted() {
		return
	}
	i.leftAt = now
	if !i.lingering {
		i.lingering = true
		x.lingerers = append(x.lingerers, lingerer{i, now})
	}
}

// find returns what a channel or pattern was subscribed for, and by which namespace; ""
// means that it is not wanted any more.
func (x *interests) find(name string) (kind channelKind, namespace string, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	i := x.byName[name]
	if i == nil {
		return 0, "", false
	}
	if i.wanted() {
		namespace = i.owners[0]
	}
	return i.kind, namespace, true
}

// confirmed reports whether what arrives by a channel is heard.
func (x *interests) confirmed(name string) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	i := x.byName[name]
	return i != nil && i.wanted() && i.state == subscriptionConfirmed
}

// order is what to tell Redis.
type order struct{ channels, patterns, shardChannels []string }

func (o *order) add(i *interest) {
	switch i.kind {
	case kindPrivate:
		o.patterns = append(o.patterns, i.name)
	case kindShard:
		o.shardChannels = append(o.shardChannels, i.name)
	default:
		o.channels = append(o.channels, i.name)
	}
}

func (o *order) empty() bool { return len(o.channels)+len(o.patterns)+len(o.shardChannels) == 0 }

// subscribe takes up to limit subscriptions that are to be made.
func (x *interests) subscribe(limit int) (o order) {
	x.mu.Lock()
	defer x.mu.Unlock()
	n := min(limit, len(x.queue))
	for _, i := range x.queue[:n] {
		if i.state == subscriptionQueued && x.byName[i.name] == i {
			i.state = subscriptionSent
			o.add(i)
		}
	}
	if x.queue = x.queue[n:]; len(x.queue) == 0 {
		x.queue = nil
	}
	return o
}

// unsubscribe takes the subscriptions that have been unwanted for long enough. One that
// is not confirmed yet stays, so that its confirmation can't be taken for that of a
// later one.
func (x *interests) unsubscribe(now time.Time) (o order) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for len(x.lingerers) > 0 && now.Sub(x.lingerers[0].since) >= x.linger {
		i := x.lingerers[0].interest
		x.lingerers = x.lingerers[1:]
		switch {
		case x.byName[i.name] != i: // it has been moved away
		case i.wanted():
			i.lingering = false
		case now.Sub(i.leftAt) < x.linger || i.state == subscriptionSent:
			x.lingerers = append(x.lingerers, lingerer{i, now})
		case i.state == subscriptionConfirmed:
			delete(x.byName, i.name)
			o.add(i)
		default:
			delete(x.byName, i.name)
			x.pending--
			close(i.ready)
		}
	}
	return o
}

// confirm says that Redis has made a subscription. It returns for how long that had been
// revoked before.
func (x *interests) confirm(name string) (gap time.Duration) {
	x.mu.Lock()
	defer x.mu.Unlock()
	i := x.byName[name]
	if i == nil || i.state != subscriptionSent {
		return 0
	}
	i.state = subscriptionConfirmed
	x.pending--
	close(i.ready)
	if !i.revokedAt.IsZero() {
		gap, i.revokedAt = max(time.Since(i.revokedAt), 1), time.Time{}
	}
	return gap
}

// revoke says that Redis has ended a subscription, and queues it again if it was made and
// is known: otherwise this node had asked for the end.
func (x *interests) revoke(name string, now time.Time) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	i := x.byName[name]
	if i == nil || i.state != subscriptionConfirmed {
		return false
	}
	i.revokedAt, i.ready = now, make(chan struct{})
	x.enqueue(i)
	return true
}

// strays removes and returns the interests that belong elsewhere. Whoever waits for one
// of them is woken, and has to look for it there.
func (x *interests) strays(belongs func(name string) bool) (strays []*interest) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for name, i := range x.byName {
		if belongs(name) {
			continue
		}
		delete(x.byName, name)
		if i.state != subscriptionConfirmed {
			x.pending--
			close(i.ready)
		}
		if i.wanted() {
			strays = append(strays, i)
		}
	}
	return strays
}

// adopt takes over an interest that was a stray of others.
func (x *interests) adopt(stray *interest, now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	i := x.byName[stray.name]
	if i == nil {
		i = x.create(stray.name, stray.kind, stray.owners[0])
	}
	for _, owner := range stray.owners {
		if !slices.Contains(i.owners, owner) {
			i.owners = append(i.owners, owner)
		}
	}
	switch {
	case i.state == subscriptionConfirmed:
	case !stray.revokedAt.IsZero():
		i.revokedAt = stray.revokedAt
	case stray.state == subscriptionConfirmed:
		i.revokedAt = now
	}
}

// up says that everything that is wanted is about to be subscribed, or returns false if more
// is to be told to Redis first. Who adds something from now on has to wait for it: what was
// not waited for is subscribed when the answer to what is asked next has come.
func (x *interests) up() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.queue) > 0 {
		return false
	}
	x.away = false
	return true
}

// lost says that there is no connection. Everything that is wanted is queued for the
// next one. With away, nobody is kept waiting for that.
func (x *interests) lost(away bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.away = away
	x.queue, x.lingerers, x.pending = nil, nil, 0
	for name, i := range x.byName {
		waiting := i.state != subscriptionConfirmed
		if waiting && (away || !i.wanted()) {
			close(i.ready)
		}
		if !i.wanted() {
			delete(x.byName, name)
			continue
		}
		i.lingering, i.revokedAt = false, time.Time{}
		if away || !waiting {
			i.ready = make(chan struct{})
		}
		x.enqueue(i)
	}
}

func (x *interests) sizes() (all, pending int) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.byName), x.pending
}
