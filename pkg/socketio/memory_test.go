package socketio

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestHistoryIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		c := m.chronicle("/")
		c.maximum.events, c.maximum.bytes = 100, 10_000
		b := &Broadcast{Namespace: "/", Data: []byte(`["event"]`)}
		var places []Offset
		for range 5000 {
			_, at := m.append(b, time.Minute)
			places = append(places, at)
		}
		if n := len(c.events) - c.first; n != 100 || len(c.events) > 3000 {
			t.Errorf("%d events of %d are kept", n, len(c.events))
		}
		count := func(after Offset) (n int, err error) {
			_, err = m.read(context.Background(), "/", after, func(*Broadcast, Offset) bool { n++; return true })
			return n, err
		}
		if n, err := count(places[4899]); n != 100 || err != nil {
			t.Errorf("read %d, %v", n, err)
		}
		if _, err := count(places[4898]); !errors.Is(err, ErrForgotten) {
			t.Errorf("what was dropped is read: %v", err)
		}
		_, _ = m.append(&Broadcast{Namespace: "/", Data: make([]byte, 9000)}, time.Minute)
		if n := len(c.events) - c.first; n > 20 || c.bytes > 10_000 {
			t.Errorf("%d events with %d bytes are kept", n, c.bytes)
		}
		time.Sleep(2*time.Minute + time.Second)
		if n, err := count(c.last); n != 0 || err != nil {
			t.Errorf("read %d, %v", n, err)
		}
		if len(c.events)-c.first != 0 || c.bytes != 0 {
			t.Errorf("%d events of %d bytes are older than twice the window", len(c.events)-c.first, c.bytes)
		}
	})
}
