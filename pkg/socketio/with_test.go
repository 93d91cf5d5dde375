package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

func TestWithOpensOnlyWhatClientsMayAskFor(t *testing.T) {
	inWorld(t, Config{CleanupEmptyNamespaces: true, MaxOpenNamespaces: 2}, func(w *world) {
		w.server.OfPattern(regexp.MustCompile("^/shop-"))
		w.server.OfFunc(func(_ string, auth json.RawMessage) bool { return auth != nil })
		var seen *Namespace
		look := func(n *Namespace) error {
			seen = n
			return context.DeadlineExceeded
		}
		if err := w.server.With(t.Context(), "/shop-1", look); !errors.Is(err, context.DeadlineExceeded) || seen.Name() != "/shop-1" {
			t.Errorf("%v, %v", seen, err)
		}
		if n := len(w.server.allNamespaces()); n != 1 {
			t.Errorf("%d namespaces are open afterwards", n)
		}
		for _, name := range []string{"/unknown", "shop-1", ""} {
			if err := w.server.With(t.Context(), name, look); !errors.Is(err, ErrUnknownNamespace) {
				t.Errorf("%q: %v", name, err)
			}
		}
		err := w.server.With(t.Context(), "/shop-1", func(*Namespace) error {
			return w.server.With(t.Context(), "/shop-2", look)
		})
		if !errors.Is(err, ErrTooManyNamespaces) {
			t.Errorf("beyond the limit: %v", err)
		}
	})
}

func TestWithLetsQuestionsBeAskedWhereNoClientIs(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, servers []*Server) {
		rule := servers[1].OfPattern(regexp.MustCompile("^/shop-"))
		rule.OnServerSide("where", func(e *ServerSideEvent) { _ = e.Ack(e.Namespace().Name()) })
		servers[0].OfPattern(regexp.MustCompile("^/shop-"))
		err := servers[1].With(t.Context(), "/shop-1", func(*Namespace) error {
			return servers[0].With(t.Context(), "/shop-1", func(n *Namespace) error {
				replies, err := n.ServerSideEmitWithAck(t.Context(), "where")
				if len(replies) != 1 {
					t.Fatalf("%d replies, %v", len(replies), err)
				}
				if name, _ := replies[0].Arg(0).String(); name != "/shop-1" {
					t.Errorf("asked in %q", name)
				}
				return err
			})
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestLocalRoomsAreCountedInOrder(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, servers []*Server) {
		a, b, elsewhere := settle(t, servers[0], "red", "blue"), settle(t, servers[0], "red", "amber"), settle(t, servers[1], "pink")
		defer end(a, b, elsewhere)
		main := servers[0].Of("/")
		if got, want := main.LocalRooms("", 10), []RoomSize{{"amber", 1}, {"blue", 1}, {"red", 2}}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		if got, want := main.LocalRooms("amber", 1), []RoomSize{{"blue", 1}}; !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		if got := main.LocalRooms("red", 10); len(got) != 0 {
			t.Errorf("after the last: %v", got)
		}
	})
}

func TestConfirmIsToldOnceOfEmitsAndChanges(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, servers []*Server) {
		for _, to := range []Emitter{servers[0].To("red"), servers[0].To("red").Local()} {
			told := 0
			to = to.Confirm(func(err error) {
				if told++; err != nil {
					t.Error(err)
				}
			})
			_ = to.Emit("hello")
			_ = to.SocketsJoin(t.Context(), "blue")
			_ = to.Emit("disconnect") // reserved: it goes nowhere
			if synctest.Wait(); told != 2 {
				t.Errorf("told %d times of 2", told)
			}
		}
	})
}

func TestMissingAcksAreCounted(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, servers []*Server) {
		answers, silent, elsewhere := settle(t, servers[0]), settle(t, servers[0]), settle(t, servers[1])
		defer end(answers, silent, elsewhere)
		done := make(chan error)
		go func() {
			_, err := servers[0].EmitWithAck(t.Context(), "ask")
			done <- err
		}()
		synctest.Wait()
		answers.say(`30[]`)
		var partial *PartialError
		if err := <-done; !errors.As(err, &partial) || partial.MissingAcks != 2 || partial.Answered != 1 || partial.Expected != 1 {
			t.Errorf("%v, want 2 missing, of nodes that have answered", err)
		}
		for _, c := range []citizen{answers, silent, elsewhere} {
			c.take()
		}
	})
}

func TestRepliesOfOneBroadcastAreBounded(t *testing.T) {
	inCluster(t, 1, func(t *testing.T, servers []*Server) {
		a, b := settle(t, servers[0]), settle(t, servers[0])
		defer end(a, b)
		large := `30["` + strings.Repeat("x", maxReplyBytes*2/3) + `"]`
		done := make(chan int)
		var err error
		go func() {
			var replies []Reply
			replies, err = servers[0].EmitWithAck(t.Context(), "ask")
			done <- len(replies)
		}()
		synctest.Wait()
		a.say(large)
		b.say(large)
		var partial *PartialError
		if n := <-done; n != 1 || !errors.Is(err, ErrRepliesTooLarge) || !errors.As(err, &partial) || partial.MissingAcks != 1 {
			t.Errorf("%d replies, %v", n, err)
		}
		a.take()
		b.take()
	})
}
