package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/causeway-rt/causeway/internal/checker"
)

// tick is how often a member looks what there is to do.
const tick = 200 * time.Millisecond

// live keeps the member in its rooms until ctx ends. As long as talking is open it also talks,
// and changes its rooms now and then.
func (m *member) live(ctx context.Context, cfg config, talking <-chan struct{}) {
	chance := cfg.Rate / float64(cfg.Clients) * tick.Seconds() / messagesAtOnce
	for {
		m.joinAll()
		select {
		case <-talking:
		default:
			if m.random.Float64() < chance {
				m.talk(cfg)
			}
			if m.random.Float64() < tick.Seconds()/cmp.Or(cfg.ChangeEvery, 15*time.Second).Seconds() {
				m.change(cfg)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(tick/2 + time.Duration(m.random.Int64N(int64(tick)))):
		}
	}
}

// messagesAtOnce is how many messages a member sends when it does, on average: 1 to 3.
const messagesAtOnce = 2

// joinAll asks for the rooms that the member wants to be in and is not.
func (m *member) joinAll() {
	m.mu.Lock()
	var missing []string
	for room, s := range m.rooms {
		if s.wanted && !s.in && !s.asked {
			missing = append(missing, room)
		}
	}
	m.mu.Unlock()
	for _, room := range missing {
		m.ask(func() ([]byte, func(string, error)) {
			s, record := m.rooms[room], m.rec.Joining(m.number, room)
			s.asked = true
			return array("join", room), func(code string, err error) {
				ok := code == "" && err == nil
				record(ok)
				m.mu.Lock()
				defer m.mu.Unlock()
				s.asked, s.in = false, ok
			}
		})
	}
}

// change leaves a room for another.
func (m *member) change(cfg config) {
	m.mu.Lock()
	rooms := slices.Sorted(maps.Keys(m.rooms))
	room := rooms[m.random.IntN(len(rooms))]
	s := m.rooms[room]
	other := cfg.rooms(m.random, 1)[0]
	possible := s.in && !s.asked && m.rooms[other] == nil && m.up
	m.mu.Unlock()
	if !possible {
		return
	}
	m.ask(func() ([]byte, func(string, error)) {
		record := m.rec.Leaving(m.number, room)
		s.wanted, s.in, s.asked = false, false, true
		m.rooms[other] = &stay{wanted: true}
		return array("leave", room), func(code string, err error) {
			record(code == "" && err == nil)
			m.mu.Lock()
			defer m.mu.Unlock()
			delete(m.rooms, room)
		}
	})
}

// talk publishes a few messages, one right after the other.
func (m *member) talk(cfg config) {
	for range 1 + m.random.IntN(2*messagesAtOnce-1) {
		m.mu.Lock()
		rooms := slices.Sorted(maps.Keys(m.rooms))
		m.mu.Unlock()
		room := rooms[m.random.IntN(len(rooms))]
		if m.random.IntN(10) == 0 {
			room = cfg.rooms(m.random, 1)[0] // where it may not be a member itself
		}
		m.publish(room, ordinary, func(checker.ID, checker.Outcome) {})
	}
}

// publish sends a message. told is called when its outcome is known, not at all without a
// connection.
func (m *member) publish(room, event string, told func(checker.ID, checker.Outcome)) {
	m.ask(func() ([]byte, func(string, error)) {
		id, record := m.rec.Publishing(m.number, room)
		return array("publish", room, event, id.Publisher, id.Number, textOf(id)), func(code string, err error) {
			o := outcome(code, err)
			record(o)
			told(id, o)
		}
	})
}

// outcome is what the answer to a publish says.
func outcome(code string, err error) checker.Outcome {
	switch {
	case errors.Is(err, errNotSent):
		return checker.Refused
	case err != nil:
		return checker.Unknown
	}
	switch code {
	case "":
		return checker.Acknowledged
	case "forbidden", "invalid", "limit":
		return checker.Refused
	}
	return checker.Unknown
}

func array(elements ...any) []byte {
	b, err := json.Marshal(elements)
	if err != nil {
		panic(err) // strings and numbers always are JSON
	}
	return b
}

// settled says whether the member is connected and in all its rooms, and nothing else.
func (m *member) settled() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.rooms {
		if !s.in {
			return false
		}
	}
	return m.up
}

// state says whether the member is connected, and how its last attempt has failed.
func (m *member) state() (up bool, failed error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.up, m.failed
}

// misses counts the markers that the member has yet to get: those of its rooms that it
// did not send itself.
func (m *member) misses(markers map[string][]checker.ID) (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for room := range m.rooms {
		for _, id := range markers[room] {
			if id.Publisher != m.number && !m.got[id] {
				n++
			}
		}
	}
	return n
}
