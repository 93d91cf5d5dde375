package socketio

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

// only returns the one socket that is connected.
func (w *world) only() *Socket {
	w.Helper()
	synctest.Wait()
	found := w.server.main.local(Target{})
	if len(found) != 1 {
		w.Fatalf("%d sockets are connected, want 1", len(found))
	}
	return found[0]
}

func TestClientsAckEndsTheWait(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		c := w.joined()
		s := w.only()
		for i := range 2 {
			replied := make(chan string)
			go func() {
				reply, err := s.EmitWithAck(w.Context(), "ask", i)
				text, _ := reply.Arg(0).String()
				replied <- fmt.Sprint(text, err)
			}()
			c.hears(fmt.Sprintf(`2%d["ask",%d]`, i, i))
			c.say(fmt.Sprintf(`3%d["answer"]`, i), fmt.Sprintf(`3%d["again"]`, i))
			if got := <-replied; got != "answer<nil>" {
				t.Errorf("reply is %q", got)
			}
		}
		if st := w.server.Stats(); st.AcksIn != 2 || st.BadAcks != 2 {
			t.Errorf("%d acks and %d bad ones, want 2 and 2", st.AcksIn, st.BadAcks)
		}
	})
}

func TestBinaryAck(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		c := w.joined()
		s := w.only()
		done := make(chan error)
		var data Binary
		go func() {
			reply, err := s.EmitWithAck(w.Context(), "ask")
			done <- errors.Join(err, reply.Bind(&data))
		}()
		synctest.Wait()
		c.say(`61-0[{"_placeholder":true,"num":0}]`)
		c.sayBinary("xyz")
		if err := <-done; err != nil || string(data) != "xyz" {
			t.Errorf("reply is %q, %v", data, err)
		}
	})
}

func TestWaitForAnAckEnds(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(c *client, s *Socket, cancel func())
		want error
	}{
		{"at the deadline", func(*client, *Socket, func()) { time.Sleep(10 * time.Second) }, ErrAckTimeout},
		{"when it is cancelled", func(_ *client, _ *Socket, cancel func()) { cancel() }, context.Canceled},
		{"when the session ends", func(c *client, _ *Socket, _ func()) { c.Close(engineio.ReasonPingTimeout) }, ErrDisconnected},
		{"when the client leaves", func(c *client, _ *Socket, _ func()) { c.say("1") }, ErrDisconnected},
		{"when the server ends it", func(_ *client, s *Socket, _ func()) { s.Disconnect(false) }, ErrDisconnected},
		{"when the client errs", func(c *client, _ *Socket, _ func()) { c.say("x") }, ErrDisconnected},
	} {
		t.Run(test.name, func(t *testing.T) {
			inWorld(t, Config{}, func(w *world) {
				c := w.joined()
				s := w.only()
				ctx, cancel := context.WithTimeout(w.Context(), 10*time.Second)
				defer cancel()
				done := make(chan error, 1)
				go func() {
					_, err := s.EmitWithAck(ctx, "ask")
					done <- err
				}()
				synctest.Wait()
				test.end(c, s, cancel)
				synctest.Wait()
				select {
				case err := <-done:
					if !errors.Is(err, test.want) {
						t.Errorf("error is %v, want %v", err, test.want)
					}
				default:
					t.Error("the wait goes on")
				}
				if len(s.acks) != 0 {
					t.Errorf("%d acks are still pending", len(s.acks))
				}
			})
		})
	}
}

func TestHandlerMayWaitForAnAckOfItsOwnClient(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		w.server.On("ask me", func(e *Event) {
			reply, err := e.Socket().EmitWithAck(w.Context(), "what?")
			if err != nil {
				t.Error(err)
			}
			_ = e.Ack(reply.Arg(0))
		})
		c := w.joined()
		c.say(`25["ask me"]`)
		c.hears(`20["what?"]`)
		c.say(`30["this"]`)
		c.hears(`35["this"]`)
	})
}

func TestPendingAcksAreBounded(t *testing.T) {
	inWorld(t, Config{MaxPendingAcks: 1}, func(w *world) {
		w.joined()
		s := w.only()
		ctx, cancel := context.WithCancel(w.Context())
		first := make(chan struct{})
		go func() {
			_, _ = s.EmitWithAck(ctx, "ask")
			close(first)
		}()
		synctest.Wait()
		if _, err := s.EmitWithAck(ctx, "ask"); !errors.Is(err, ErrTooManyAcks) {
			t.Errorf("error is %v, want ErrTooManyAcks", err)
		}
		cancel()
		<-first
	})
}

func TestAckIsSentOnce(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		var kept *Event
		w.server.On("a", func(e *Event) {
			kept = e
			if !e.WantsAck() {
				_ = e.Ack("nobody asked")
				return
			}
			if err := e.Ack(make(chan int)); err == nil {
				t.Error("a channel was encoded")
			}
			_ = e.Ack("ok", nil)
			_ = e.Ack("again")
		})
		c := w.joined()
		c.say(`2007["a"]`)
		c.hears(`37["ok",null]`)
		c.say(`2["a"]`)
		c.hears()
		kept.id = 8
		c.say("1")
		synctest.Wait()
		if err := kept.Ack("too late"); !errors.Is(err, ErrDisconnected) {
			t.Errorf("Ack after the end: %v, want ErrDisconnected", err)
		}
	})
}

func TestBroadcastAcks(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		clients := []*client{w.joined(), w.joined(), w.joined()}
		type result struct {
			texts []string
			err   error
		}
		ask := func() chan result {
			done := make(chan result, 1)
			go func() {
				replies, err := w.server.Timeout(time.Second).EmitWithAck(w.Context(), "ask")
				var r result
				for _, reply := range replies {
					text, _ := reply.Arg(0).String()
					r.texts = append(r.texts, text)
				}
				r.err = err
				done <- r
			}()
			synctest.Wait()
			return done
		}
		done := ask()
		for i, c := range clients {
			c.hears(`20["ask"]`) // the same id for all
			c.say(fmt.Sprintf(`30["%d"]`, i))
		}
		if r := <-done; strings.Join(r.texts, "") != "012" || r.err != nil {
			t.Errorf("replies are %q, %v", r.texts, r.err)
		}

		done = ask()
		clients[0].say(`31["one"]`)
		clients[1].Close(engineio.ReasonTransportClose)
		time.Sleep(time.Second)
		if r := <-done; len(r.texts) != 1 || !errors.Is(r.err, ErrAckTimeout) {
			t.Errorf("replies are %q, %v, want one and ErrAckTimeout", r.texts, r.err)
		}
		clients[2].say(`31["late"]`)

		done = ask()
		clients[0].say(`32["one"]`)
		clients[2].Close(engineio.ReasonTransportClose)
		if r := <-done; len(r.texts) != 1 || r.err != nil {
			t.Errorf("replies are %q, %v: who has gone must not be waited for", r.texts, r.err)
		}
		for _, s := range w.server.main.local(Target{}) {
			if len(s.acks) != 0 {
				t.Errorf("%d acks are still pending", len(s.acks))
			}
		}
	})
}

// An adapter may hand an emit over when its time is up already, and a question of
// another node may end while its event goes out: no socket may owe an ack for ever.
func TestWaitThatEndsBeforeTheEventGoesOutLeavesNoAckPending(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		c := w.joined()
		collector := newAckCollector(w.server.main)
		if _, err := collector.stop(); !errors.Is(err, ErrAckTimeout) {
			t.Errorf("stop: %v, want ErrAckTimeout", err)
		}
		collector.deliver(&Broadcast{Namespace: "/", Data: []byte(`["ask"]`)})
		c.hears(`20["ask"]`)
		if n := len(w.only().acks); n != 0 {
			t.Errorf("%d acks are pending", n)
		}
		c.say(`30[]`)
		if n := w.server.Stats().BadAcks; n != 1 {
			t.Errorf("%d acks that nobody waited for, want 1", n)
		}
	})
}

func TestBroadcastAckToNobodyEndsAtOnce(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		replies, err := w.server.To("nobody").EmitWithAck(w.Context(), "ask")
		if len(replies) != 0 || err != nil {
			t.Errorf("replies are %v, %v", replies, err)
		}
	})
}
