package socketio

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

func TestDisconnectHandlersSeeTheRoomsInTime(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		var j journal
		w.server.OnDisconnect(func(s *Socket, r Reason) { j.add("namespace %d %s", len(s.Rooms()), r) })
		w.server.OnConnect(func(s *Socket) {
			_ = s.Join(context.Background(), "room")
			s.OnDisconnecting(func(r Reason) { j.add("disconnecting %d %s", len(s.Rooms()), r) })
			s.OnDisconnect(func(r Reason) { j.add("disconnect %d %s", len(s.Rooms()), r) })
			s.On("slow", func(*Event) { time.Sleep(time.Second); j.add("slow") })
		})
		c := w.joined()
		c.say(`2["slow"]`)
		synctest.Wait()
		c.Close(engineio.ReasonTransportClose)
		c.Close(engineio.ReasonTransportError)
		j.is(t) // not before the handler that runs
		time.Sleep(time.Second)
		j.is(t, "slow", "disconnecting 2 transport close", "namespace 0 transport close", "disconnect 0 transport close")
	})
}

func TestDisconnectIsNotLostInAFullInbox(t *testing.T) {
	inWorld(t, Config{InboxSize: 1}, func(w *world) {
		w.server.Of("/chat")
		var j journal
		release := make(chan struct{})
		for _, name := range []string{"/", "/chat"} {
			n := w.server.Of(name)
			n.On("wait", func(*Event) { <-release; j.add("wait") })
			n.On("a", func(*Event) { j.add("a") })
			n.OnDisconnect(func(_ *Socket, r Reason) { j.add("%s %s", name, r) })
		}
		c := w.joined("/", "/chat")
		c.say(`2["wait"]`)
		synctest.Wait()
		c.say(`2["a"]`, "1/chat,")
		c.Close(engineio.ReasonTransportClose)
		close(release)
		// What came before the end is handled before it.
		j.is(t, "wait", "a", "/chat client namespace disconnect", "/ transport close")
	})
}

func TestClientLeavesOneNamespace(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		w.server.Of("/chat")
		var j journal
		w.server.OnDisconnect(func(_ *Socket, r Reason) { j.add("/ %s", r) })
		c := w.joined("/", "/chat")
		c.say("1")
		j.is(t, "/ client namespace disconnect")
		_ = w.server.Emit("gone")
		_ = w.server.Of("/chat").Emit("here")
		c.hears(`2/chat,["here"]`)
		c.isOpen(true)
		c.join("/")
	})
}

func TestServerDisconnects(t *testing.T) {
	for _, all := range []bool{false, true} {
		inWorld(t, Config{}, func(w *world) {
			var j journal
			for _, name := range []string{"/", "/chat"} {
				w.server.Of(name).OnDisconnect(func(_ *Socket, r Reason) { j.add("%s %s", name, r) })
			}
			c := w.joined("/", "/chat")
			s := w.only()
			s.Disconnect(all)
			s.Disconnect(all) // again: nothing
			if err := s.Emit("late"); !errors.Is(err, ErrDisconnected) {
				t.Errorf("Emit after the end: %v, want ErrDisconnected", err)
			}
			if err := s.Join(w.Context(), "late"); !errors.Is(err, ErrDisconnected) {
				t.Errorf("Join after the end: %v, want ErrDisconnected", err)
			}
			if all {
				c.hears("1/chat,", "1")
				c.isOpen(false)
				j.is(t, "/chat server namespace disconnect", "/ server namespace disconnect")
			} else {
				c.hears("1")
				c.isOpen(true)
				j.is(t, "/ server namespace disconnect")
			}
		})
	}
}

// The official client stays away after a DISCONNECT packet, and comes back when its
// connection ends.
func TestClientThatIsSentAwayGetsNoPacket(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		var j journal
		for _, name := range []string{"/", "/chat"} {
			n := w.server.Of(name)
			n.OnDisconnect(func(_ *Socket, r Reason) { j.add("%s %s", name, r) })
			n.On("slow", func(*Event) { time.Sleep(time.Second) })
			n.On("waits", func(*Event) { t.Error("an event was handled after the end") })
		}
		c := w.joined("/", "/chat")
		s := w.only()
		c.say(`2["slow"]`, `2["waits"]`)
		synctest.Wait()
		_ = s.Emit("last")
		s.SendAway()
		s.SendAway() // again: nothing
		c.hears(`2["last"]`)
		c.isOpen(false)
		time.Sleep(time.Second)
		j.is(t, "/chat sent away", "/ sent away")
		if n := w.server.Stats().Disconnects[ReasonSentAway]; n != 2 {
			t.Errorf("counted %d, want 2", n)
		}
	})
}

func TestCloseSaysShuttingDownWithoutAPacket(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var j journal
		s := newTestServer(t, Config{}, "node", nil)
		s.OnDisconnect(func(_ *Socket, r Reason) { time.Sleep(time.Second); j.add("%s", r) })
		c := open(t, s)
		c.join("/")
		go func() {
			synctest.Wait()
			c.Close(engineio.ReasonShutdown) // as the engine does
		}()
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
		j.is(t, "server shutting down") // it has waited for the handler
		c.hears()
		late := open(t, s)
		late.say("0")
		late.hears()
	})
}

func TestCloseGivesUpOnAHandlerThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newTestServer(t, Config{}, "node", nil)
		release := make(chan struct{})
		s.On("hang", func(*Event) { <-release })
		c := open(t, s)
		c.join("/")
		c.say(`2["hang"]`)
		c.Close(engineio.ReasonShutdown)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Close(ctx); !errors.Is(err, errHandlersRun) {
			t.Errorf("Close: %v, want %v", err, errHandlersRun)
		}
		close(release)
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
