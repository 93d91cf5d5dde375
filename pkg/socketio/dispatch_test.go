package socketio

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestEventsAreHandledInOrder(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		w.server.Of("/chat")
		var j journal
		note := func(e *Event) {
			if e.Name() == "slow" {
				time.Sleep(time.Second)
			}
			j.add("%s%s", e.Socket().Namespace().Name(), e.Name())
		}
		for _, n := range []string{"/", "/chat"} {
			w.server.Of(n).OnConnect(func(s *Socket) { s.OnAny(note) })
		}
		c := w.joined("/", "/chat")
		c.say(`2["slow"]`, `2/chat,["a"]`, `2["b"]`, `2/chat,["slow"]`, `2["c"]`)
		time.Sleep(2 * time.Second)
		j.is(t, "/slow", "/chata", "/b", "/chatslow", "/c")
	})
}

func TestHandlersOfNamespaceAndSocketAreCalledInTurn(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		var j journal
		note := func(name string) func(*Event) { return func(*Event) { j.add("%s", name) } }
		w.server.On("a", note("namespace"))
		w.server.OnConnect(func(s *Socket) {
			s.OnAny(note("any"))
			s.Use(func(e *Event) error {
				if e.Len() > 0 {
					return errors.New("no arguments, please")
				}
				return nil
			})
			s.OnError(func(err error) { j.add("%v", err) })
			s.On("a", note("first"))
			s.On("a", note("second"))
			s.On("b", note("other"))
		})
		c := w.joined()
		c.say(`2["a"]`)
		j.is(t, "any", "namespace", "first", "second")
		c.say(`2["a",1]`)
		j.is(t, "any", "no arguments, please")
		c.hears() // a refused event tells the client nothing
	})
}

func TestArgumentsArriveAsTheyLeft(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		w.server.On("publish", func(e *Event) {
			var room, event string
			if err := e.Bind(&room, &event); err != nil {
				t.Error(err)
			}
			_ = w.server.To(e.Socket().ID()).Emit(event, e.Args().From(2))
		})
		c := w.joined()
		c.say(`2["publish","r","news",{"b":1.0,"a":1e3},12345678901234567890,"<\u00e9>"]`)
		c.hears(`2["news",{"b":1.0,"a":1e3},12345678901234567890,"<\u00e9>"]`)
	})
}

func TestFullInboxStopsReadingAndNothingElse(t *testing.T) {
	inWorld(t, Config{InboxSize: 2}, func(w *world) {
		release := make(chan struct{})
		var j journal
		w.server.On("wait", func(*Event) { <-release; j.add("wait") })
		w.server.On("a", func(*Event) { j.add("a") })
		c, other := w.joined(), w.joined()
		reading := make(chan struct{})
		go func() {
			c.say(`2["wait"]`, `2["a"]`, `2["a"]`, `2["a"]`, `2["a"]`)
			close(reading)
		}()
		synctest.Wait()
		select {
		case <-reading:
			t.Error("the reader was not held back")
		default:
		}
		other.say(`2["a"]`)
		j.is(t, "a")
		close(release)
		<-reading
		j.is(t, "wait", "a", "a", "a", "a")
		if w.server.Stats().InboxFull == 0 {
			t.Error("the full inbox was not counted")
		}
	})
}

func TestEndFreesAReaderThatIsHeldBack(t *testing.T) {
	inWorld(t, Config{InboxSize: 1}, func(w *world) {
		release := make(chan struct{})
		var j journal
		w.server.OnConnect(func(s *Socket) {
			s.On("wait", func(*Event) { <-release })
			s.OnDisconnect(func(r Reason) { j.add("%s", r) })
		})
		c := w.joined()
		reading := make(chan struct{})
		go func() {
			c.say(`2["wait"]`, `2["a"]`, `2["a"]`)
			close(reading)
		}()
		synctest.Wait()
		c.Close("ping timeout")
		<-reading
		j.is(t) // the handler still runs
		close(release)
		j.is(t, "ping timeout")
		if n := w.server.Stats().EventsDropped; n != 1 {
			t.Errorf("%d events counted as dropped, want the one that was not taken", n)
		}
	})
}

func TestPanicClosesOneConnection(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		var j journal
		w.server.On("boom", func(*Event) { panic("boom") })
		w.server.On("a", func(*Event) { j.add("a") })
		w.server.OnConnect(func(s *Socket) {
			s.OnDisconnecting(func(Reason) { panic("again") })
			s.OnDisconnect(func(r Reason) { j.add("%s", r) })
		})
		c, other := w.joined(), w.joined()
		c.say(`2["boom"]`, `2["a"]`)
		j.is(t, "forced server close")
		c.isOpen(false)
		other.say(`2["a"]`)
		j.is(t, "a")
		if st := w.server.Stats(); st.Panics != 2 {
			t.Errorf("%d panics counted, want 2", st.Panics)
		}
		if log := w.log.String(); !strings.Contains(log, "handler panicked") || !strings.Contains(log, "dispatch_test.go") {
			t.Errorf("log has no panic with a stack: %s", log)
		}
		other.say("1")
		j.is(t, "client namespace disconnect") // though its own OnDisconnecting has panicked
		other.isOpen(false)
	})
}

func TestOutgoingEventsAreOverheard(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		var j journal
		w.server.OnConnect(func(s *Socket) {
			s.OnAnyOutgoing(func(event string, args Args) {
				text, _ := args.At(0).String()
				j.add("%s %s", event, text)
				_ = s.Leave(context.Background(), "room") // may be called from here
			})
			_ = s.Join(context.Background(), "room")
		})
		w.server.On("ask", func(e *Event) { _ = e.Ack("not overheard") })
		c := w.joined()
		_ = w.server.To("room").Emit("first", "x")
		_ = w.server.To("room").Emit("second", "x")
		c.say(`21["ask"]`)
		c.hears(`2["first","x"]`, `31["not overheard"]`)
		_ = w.server.Emit("third", "y")
		c.hears(`2["third","y"]`)
		j.is(t, "first x", "third y")
	})
}

// Broadcasts look at every recipient as long as anybody overhears, so nobody who has
// gone may be counted: the world checks that.
func TestNobodyWhoHasGoneOverhears(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		listen := func(s *Socket) { s.OnAnyOutgoing(func(string, Args) { t.Error("overheard") }) }
		w.server.Use(func(s *Socket) error {
			if s.Handshake().Auth() != nil {
				return nil
			}
			listen(s)
			return errors.New("refused")
		})
		w.server.OnConnect(func(s *Socket) {
			s.OnDisconnecting(func(Reason) { listen(s) })
			s.OnDisconnect(func(Reason) { listen(s) })
		})
		refused, late := w.client(), w.client()
		refused.say("0")
		late.say("0{}", "1")
		synctest.Wait()
		if n := w.server.main.outgoing.Load(); n != 0 {
			t.Errorf("%d are counted as overhearing", n)
		}
	})
}

func TestServerEndedSocketGetsNoMoreEvents(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		var j journal
		w.server.OnConnect(func(s *Socket) {
			s.On("kick", func(*Event) { s.Disconnect(false); j.add("kicked %v", s.Connected()) })
			s.On("a", func(*Event) { j.add("a") })
			s.OnDisconnect(func(r Reason) { j.add("%s", r) })
		})
		c := w.joined()
		c.say(`2["kick"]`, `2["a"]`)
		synctest.Wait()
		if got := c.take(); !slices.Equal(got, []string{"1"}) {
			t.Errorf("client got %q, want a DISCONNECT", got)
		}
		j.mu.Lock()
		defer j.mu.Unlock()
		if !slices.Contains(j.lines, "server namespace disconnect") || slices.Contains(j.lines, "a") {
			t.Errorf("happened %q", j.lines)
		}
	})
}

func TestLargeEventsFillTheInboxToo(t *testing.T) {
	cfg := Config{}
	cfg.Engine.MaxPayload = 1000
	inWorld(t, cfg, func(w *world) {
		release := make(chan struct{})
		w.server.On("large", func(*Event) { <-release })
		c := w.joined()
		large := `2["large","` + strings.Repeat("x", 900) + `"]`
		reading := make(chan struct{})
		go func() {
			c.say(large, large, large, large)
			close(reading)
		}()
		synctest.Wait()
		if conn := c.receiver.(*conn); conn.waiting > 2000 {
			t.Errorf("%d bytes wait", conn.waiting)
		}
		select {
		case <-reading:
			t.Error("the reader was not held back")
		default:
		}
		close(release)
		<-reading
	})
}
