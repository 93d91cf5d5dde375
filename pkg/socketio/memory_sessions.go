package socketio

import (
	"slices"
	"time"
)

// memorySessions bounds the sessions that a memory keeps, of all namespaces together.
const memorySessions = 200_000

type sessionKey struct{ namespace, pid string }

// record is a saved session, with who owns it.
type record struct {
	saved   SavedSession
	owner   *busAdapter // nil for a server without an adapter
	expires time.Time
}

// kept is how long a record lives that its owner keeps alive: long enough for the owner to
// be late once, and for the client to come back if it never does again.
func kept(window time.Duration) time.Duration { return window + window*3/4 }

// live needs mu. It returns the record of a session, nil if there is none.
func (m *memory) live(namespace, pid string) *record {
	key := sessionKey{namespace, pid}
	rec := m.sessions[key]
	if rec != nil && time.Now().After(rec.expires) {
		delete(m.sessions, key)
		return nil
	}
	return rec
}

// sweep looks at a few sessions, and drops those that have expired. It needs mu.
func (m *memory) sweep() {
	looks, now := 4, time.Now()
	for key, rec := range m.sessions {
		if now.After(rec.expires) {
			delete(m.sessions, key)
		}
		if looks--; looks == 0 {
			return
		}
	}
}

func (m *memory) save(s *SavedSession, window time.Duration, owner *busAdapter) (head Offset, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep()
	rec := m.live(s.Namespace, s.PID)
	if rec != nil && (rec.saved.Epoch != s.Epoch || rec.owner != owner) {
		return Offset{}, ErrSessionTaken
	}
	if rec == nil && len(m.sessions) >= memorySessions {
		return Offset{}, errSessionsFull
	}
	head = m.chronicle(s.Namespace).last
	saved := copySaved(s)
	if saved.Since.IsZero() {
		saved.Since = head
	}
	for i := range saved.Rooms {
		if saved.Rooms[i].Since.IsZero() {
			saved.Rooms[i].Since = head
		}
	}
	m.sessions[sessionKey{s.Namespace, s.PID}] = &record{*saved, owner, time.Now().Add(kept(window))}
	return head, nil
}

func copySaved(s *SavedSession) *SavedSession {
	c := *s
	c.Rooms, c.Data = slices.Clone(s.Rooms), slices.Clone(s.Data)
	return &c
}

func (m *memory) look(namespace, pid string) (*SavedSession, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rec := m.live(namespace, pid)
	if rec == nil {
		return nil, ErrNoSession
	}
	return copySaved(&rec.saved), nil
}

func (m *memory) take(s *SavedSession, window time.Duration, owner *busAdapter) (former *busAdapter, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rec := m.live(s.Namespace, s.PID)
	if rec == nil {
		return nil, ErrNoSession
	}
	if rec.saved.Epoch != s.Epoch {
		return nil, ErrSessionTaken
	}
	s.Epoch++
	former = rec.owner
	rec.saved.Epoch, rec.owner, rec.expires = s.Epoch, owner, time.Now().Add(kept(window))
	return former, nil
}

func (m *memory) keep(sessions []*SavedSession, window func(namespace string) time.Duration) (stale []*SavedSession) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range sessions {
		rec := m.live(s.Namespace, s.PID)
		if rec == nil || rec.saved.Epoch != s.Epoch {
			stale = append(stale, s)
			continue
		}
		rec.saved.Sent, rec.saved.Seen = s.Sent, s.Seen
		rec.expires = time.Now().Add(kept(window(s.Namespace)))
	}
	return stale
}

func (m *memory) release(s *SavedSession, window time.Duration, mayReturn bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	rec := m.live(s.Namespace, s.PID)
	switch {
	case rec == nil:
		return nil
	case rec.saved.Epoch != s.Epoch:
		return ErrSessionTaken
	case mayReturn:
		rec.expires = time.Now().Add(window)
	default:
		delete(m.sessions, sessionKey{s.Namespace, s.PID})
	}
	return nil
}
