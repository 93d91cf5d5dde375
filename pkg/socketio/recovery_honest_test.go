package socketio

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
)

func TestLeaveIsNotAcknowledgedUnlessItIsSaved(t *testing.T) {
	withSlowHistory(t, func(t *testing.T, s *Server, h *slowHistory) {
		a := newcomer(t, s)
		_ = a.socket().Join(t.Context(), "red")
		h.set(nil, errors.New("away"))
		if err := a.socket().Leave(t.Context(), "red"); err == nil {
			t.Error("left, as if who comes back would know")
		}
		_ = s.To("red").Emit("not for it")
		a.hear(t)
		h.set(nil, nil)
		_ = a.socket().Join(t.Context(), "blue") // which saves
		a.cut()
		_ = s.To("red").Emit("nor this")
		a.back(t)
		a.hear(t)
		a.cut()
	})
}

func TestJoinWithoutASessionBeginsAtTheHead(t *testing.T) {
	withSlowHistory(t, func(t *testing.T, s *Server, h *slowHistory) {
		h.set(nil, errors.New("away"))
		c := open(t, s)
		c.say("0")
		synctest.Wait()
		if got := c.take(); len(got) != 1 || strings.Contains(got[0], "pid") {
			t.Errorf("got %q", got)
		}
		socket := c.receiver.(*conn).socket("/")
		if err := socket.Join(t.Context(), "red"); err == nil {
			t.Error("joined while nobody knows where that begins")
		}
		hear := h.HistoryAdapter.(*busAdapter).Deafen()
		h.set(nil, nil)
		_ = s.To("red").Emit("before")
		if err := socket.Join(t.Context(), "red"); err != nil {
			t.Error(err)
		}
		hear()
		_ = s.To("red").Emit("after")
		synctest.Wait()
		if got := c.take(); len(got) != 1 || !strings.Contains(got[0], "after") {
			t.Errorf("got %q", got)
		}
		c.Close("transport close")
	})
}

func TestNothingIsNotedOfAClientThatIsStillComingBack(t *testing.T) {
	withSlowHistory(t, func(t *testing.T, s *Server, h *slowHistory) {
		a := newcomer(t, s)
		_ = s.Emit("1")
		a.hear(t, "1")
		a.cut()
		_ = s.Emit("2")
		hold := make(chan struct{})
		h.set(hold, nil)
		c := open(t, s)
		c.say(`0{"pid":"` + a.pid + `","offset":"` + a.offset + `"}`)
		synctest.Wait()
		if _, reads := h.counts(); reads != 1 {
			t.Fatalf("%d readings: it is not coming back", reads)
		}
		node{server: s}.Resave()
		synctest.Wait()
		saved, err := h.HistoryAdapter.Look(t.Context(), "/", a.pid)
		if err != nil {
			t.Fatal(err)
		}
		if offset, _ := ParseOffset(a.offset); !saved.Sent.After(offset) && saved.Seen.After(offset) {
			t.Errorf("who has %s is said to have missed nothing until %s", saved.Sent, saved.Seen)
		}
		close(hold)
		synctest.Wait()
		c.Close("transport close")
		synctest.Wait()
		a.back(t)
		a.hear(t, "2")
		a.cut()
	})
}
