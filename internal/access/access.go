package access

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Access decides by one configuration.
type Access struct {
	// Immutable.
	namespaces map[string]*Rules
	anonymous  map[string]*Member // one for all of a namespace
	keys       []*key
	leeway     time.Duration
	log        *slog.Logger

	refusals  refusals
	byToken   atomic.Int64
	byNothing atomic.Int64
	renewals  atomic.Int64
	checking  chan struct{} // holds a token for each signature that is being checked
	sharing   sharing
	watch     watch
}

// New says what is impossible in cfg. It fetches nothing: Run does.
func New(cfg Config, log *slog.Logger) (*Access, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	a := &Access{
		namespaces: map[string]*Rules{}, anonymous: map[string]*Member{}, leeway: cfg.Leeway, log: log,
		refusals: newRefusals(), checking: make(chan struct{}, atOnce()),
	}
	a.sharing.by = map[[32]byte]*shared{}
	a.watch.sooner = newAlarm()
	if len(cfg.Namespaces) == 0 {
		cfg.Namespaces = map[string]Rules{"/": {}}
	}
	for name, rules := range cfg.Namespaces {
		a.namespaces[name] = &rules
		if rules.Anonymous != nil {
			a.anonymous[name] = &Member{rules: &rules}
		}
	}
	for _, k := range cfg.Keys {
		a.keys = append(a.keys, newKey(k, cfg.Leeway, log))
	}
	return a, nil
}

// Run fetches keys and sends clients away whose tokens have ended, until ctx ends.
func (a *Access) Run(ctx context.Context) {
	var running sync.WaitGroup
	running.Go(func() { a.watch.run(ctx) })
	for _, k := range a.keys {
		if k.set != nil {
			running.Go(func() { k.set.run(ctx) })
		}
	}
	running.Wait()
}

// Namespaces returns the names of those that there are.
func (a *Access) Namespaces() (names []string) {
	for name := range a.namespaces {
		names = append(names, name)
	}
	return names
}

// Admit decides about a client that wants to join a namespace, which must be one of
// Namespaces, by the auth object of its CONNECT. It may wait for a set of keys, for some
// seconds or until ctx ends. An error is a *Refusal.
func (a *Access) Admit(ctx context.Context, namespace string, auth json.RawMessage) (*Member, error) {
	token, there, ok := tokenOf(auth)
	switch {
	case !ok:
		return nil, a.refusals.refuse(CodeInvalid, "not a text")
	case there:
		m, err := a.member(ctx, namespace, token)
		if err != nil {
			return nil, err
		}
		a.byToken.Add(1)
		return m, nil
	}
	m := a.anonymous[namespace]
	if m == nil {
		return nil, a.refusals.refuse(CodeMissing, "none given")
	}
	a.byNothing.Add(1)
	return m, nil
}

// member is what a token makes of a client.
func (a *Access) member(ctx context.Context, namespace, token string) (*Member, error) {
	c, err := a.verify(ctx, token)
	if err != nil {
		return nil, err
	}
	if !c.forNamespace(namespace) {
		return nil, a.refusals.refuse(CodeNamespace, "not for "+namespace)
	}
	return &Member{
		room: userPrefix + c.Subject, rules: a.namespaces[namespace], grants: a.sharing.find(c.grants()),
		ends: c.Expires.Add(a.leeway).UnixMilli(),
	}, nil
}

// Enter begins to watch a member that is connected.
func (a *Access) Enter(m *Member, conn Connection) {
	if m.grants == nil {
		return
	}
	m.grants, m.entered = a.sharing.take(m.grants), true
	a.watch.add(m, conn)
}

// Leave ends what Enter began, if it did.
func (a *Access) Leave(m *Member) {
	if !m.entered {
		return
	}
	m.entered = false
	a.watch.drop(m)
	a.sharing.give(m.grants)
}

// Renew checks a token that is to replace that of a member of a namespace. What it returns
// is for Replace, once its rooms have been joined. An error is a *Refusal.
func (a *Access) Renew(ctx context.Context, m *Member, namespace, token string) (*Member, error) {
	next, err := a.member(ctx, namespace, token)
	if err != nil {
		return nil, err
	}
	if next.room != m.room {
		return nil, a.refusals.refuse(CodeSubject, "another user")
	}
	return next, nil
}

// Replace gives an entered member the grants and the end of next. It returns those of rooms
// that the client was in on account of what it had, and that it may not be in any more.
// Rooms that the server has put it in stay, unless it could have joined them itself.
func (a *Access) Replace(m, next *Member, rooms []string) (lost []string) {
	for _, room := range rooms {
		if m.puts(room) && !next.puts(room) {
			lost = append(lost, room)
		}
	}
	a.renewals.Add(1)
	before := m.grants
	m.grants = a.sharing.take(next.grants)
	a.sharing.give(before)
	a.watch.extend(m, next.ends)
	return lost
}
