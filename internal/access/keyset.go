package access

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// keySet is a set of keys at a URL. One goroutine fetches it: when it has become old, when a
// token names a key that is not in it, and again after a failure; but never sooner than
// an interval after the last request. Keys that have been fetched are used for as long as
// the server is away.
type keySet struct {
	// Immutable.
	url               string
	algorithms        []string
	refresh, interval time.Duration
	client            *http.Client
	log               *slog.Logger
	wanted            alarm // rung when somebody waits for pending

	mu sync.Mutex
	// Guarded by mu.
	keys    map[string]setKey // nil until the first fetch
	fetched time.Time         // when keys were asked for
	tried   time.Time         // when the last request began
	pending chan struct{}     // closed when the request that is wanted or under way has ended; nil if there is none
	stopped bool
	fetches [2]int64 // ended well, and not
}

func newKeySet(k Key, log *slog.Logger) *keySet {
	s := &keySet{
		url: k.JWKS, algorithms: k.Algorithms,
		refresh: orDefault(k.Refresh, defaultRefresh), interval: orDefault(k.Interval, defaultInterval),
		client: &http.Client{Timeout: orDefault(k.Timeout, defaultTimeout), CheckRedirect: refuseRedirect, Transport: k.transport},
		log:    log.With("key", k.Name),
		wanted: newAlarm(),
	}
	if s.client.Transport == nil {
		s.client.Transport = newTransport()
	}
	return s
}

func orDefault(d, unset time.Duration) time.Duration {
	if d == 0 {
		return unset
	}
	return d
}

var (
	errUnknownKey  = errors.New("no such key in the set")
	errUnavailable = errors.New("the set of keys can't be had")
)

// find returns the key with an id, or the only one if a token names none. If there is no
// such key, and fetch allows it, it waits for a request, if one may be made by now.
func (s *keySet) find(ctx context.Context, id string, fetch bool) (setKey, error) {
	key, wait, err := s.look(id, fetch)
	if wait == nil {
		return key, err
	}
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	select {
	case <-ctx.Done():
		return setKey{}, errUnavailable
	case <-wait:
	}
	key, _, err = s.look(id, false)
	return key, err
}

// look returns a key, or what to wait for, or an error.
func (s *keySet) look(id string, fetch bool) (setKey, <-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key, ok := s.keys[id]
	if id == "" && len(s.keys) == 1 {
		for _, only := range s.keys {
			key, ok = only, true
		}
	}
	switch {
	case ok:
		return key, nil, nil
	case fetch && s.pending == nil && !s.stopped && time.Since(s.tried) >= s.interval:
		s.pending = make(chan struct{})
		s.wanted.ring()
	}
	switch {
	case fetch && s.pending != nil:
		return setKey{}, s.pending, nil
	case s.current():
		return setKey{}, nil, errUnknownKey
	}
	return setKey{}, nil, errUnavailable
}

// current reports whether the last request ended well. It needs mu.
func (s *keySet) current() bool { return s.keys != nil && !s.fetched.Before(s.tried) }

// run fetches until ctx ends.
func (s *keySet) run(ctx context.Context) {
	defer s.stop()
	s.wanted.run(ctx, func() time.Duration {
		if wait := s.due(); wait > 0 {
			return wait // the request that was wanted has been made
		}
		s.fetch(ctx)
		return s.due()
	})
}

// due is the time until the next request.
func (s *keySet) due() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.tried.IsZero():
		return 0
	case s.pending != nil || !s.current():
		return time.Until(s.tried.Add(s.interval))
	}
	return time.Until(s.fetched.Add(max(s.refresh, s.interval)))
}

func (s *keySet) fetch(ctx context.Context) {
	s.mu.Lock()
	began := time.Now()
	s.tried = began
	if s.pending == nil {
		s.pending = make(chan struct{})
	}
	s.mu.Unlock()

	keys, err := fetchSet(ctx, s.client, s.url, s.algorithms)

	s.mu.Lock()
	first := s.keys == nil
	if err == nil {
		s.keys, s.fetched = keys, began
		s.fetches[0]++
	} else {
		s.fetches[1]++
	}
	close(s.pending)
	s.pending = nil
	s.mu.Unlock()
	switch {
	case err != nil && ctx.Err() == nil:
		s.log.Warn("keys not fetched", "url", s.url, "error", err)
	case err == nil && first:
		s.log.Info("keys fetched", "url", s.url, "keys", len(keys))
	}
}

// stop lets nobody wait for what will not come.
func (s *keySet) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopped = true
	if s.pending != nil {
		close(s.pending)
		s.pending = nil
	}
}

// usable reports whether there are keys, and since when the server has had no others as
// far as is known.
func (s *keySet) usable() (keys int, fetched time.Time, fetches [2]int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.keys), s.fetched, s.fetches
}
