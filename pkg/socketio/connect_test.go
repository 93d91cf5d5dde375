package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

func TestConnectIsAnsweredWithAnID(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		w.server.Of("/chat")
		c := w.client()
		first, second := c.join("/"), c.join("/chat")
		for _, id := range []string{first, second} {
			if len(id) != 20 || !strings.HasPrefix(id, "node") {
				t.Errorf("id is %q: want 20 characters that begin with the tag", id)
			}
		}
		if first == second {
			t.Error("two sockets have the same id")
		}
	})
}

func TestNothingIsSentBeforeConnect(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		var early error
		w.server.Use(func(s *Socket) error {
			early = s.Emit("early")
			_ = s.Join(context.Background(), "room")
			return w.server.To("room", s.ID()).Emit("early")
		})
		w.server.OnConnect(func(s *Socket) { _ = s.Emit("hello") })
		c := w.client()
		c.say("0")
		synctest.Wait()
		got := c.take()
		if len(got) != 2 || !strings.HasPrefix(got[0], "0{") || got[1] != `2["hello"]` {
			t.Errorf("client got %q: want CONNECT, then what OnConnect emits", got)
		}
		if !errors.Is(early, ErrDisconnected) {
			t.Errorf("Emit in a middleware: %v, want ErrDisconnected", early)
		}
	})
}

func TestUnknownNamespaceIsRefused(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		c := w.joined()
		c.say(`0/nope,`)
		c.hears(`4/nope,{"message":"Invalid namespace"}`)
		c.isOpen(true)
		w.server.Of("nope")
		c.join("/nope")
	})
}

func TestMiddlewareRefuses(t *testing.T) {
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"with a message", errors.New("not today"), `4{"message":"not today"}`},
		{"with data", &ConnectError{"no", map[string]int{"code": 7}}, `4{"message":"no","data":{"code":7}}`},
		{"with data that has no JSON", &ConnectError{"no", func() {}}, `4{"message":"Internal server error"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			inWorld(t, Config{}, func(w *world) {
				w.server.OnConnect(func(*Socket) { t.Error("OnConnect was called") })
				w.server.Use(func(s *Socket) error { return s.Join(context.Background(), "room") })
				w.server.Use(func(*Socket) error { return test.err })
				w.server.Use(func(*Socket) error { t.Error("the next middleware was called"); return nil })
				c := w.client()
				c.say("0")
				c.hears(test.want)
				c.isOpen(true)
				if n := w.server.Stats().Rooms["/"]; n != 0 {
					t.Errorf("%d rooms are left", n)
				}
			})
		})
	}
}

func TestMiddlewareSeesAuthAndMayJoin(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		w.server.Use(func(s *Socket) error {
			var auth struct{ Room string }
			if err := s.Handshake().BindAuth(&auth); err != nil {
				return err
			}
			return s.Join(context.Background(), auth.Room)
		})
		c := w.client()
		c.say(`0{"Room":"kitchen"}`)
		synctest.Wait()
		c.take()
		_ = w.server.To("kitchen").Emit("dinner")
		c.hears(`2["dinner"]`)
		none := w.client()
		none.say("0")
		none.hears(`4{"message":"socketio: the client sent no auth object"}`)
	})
}

// An auth object is kept for as long as its socket, so a megabyte in each would be the
// cheapest way to a node's memory.
func TestAuthIsBounded(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		auth := func(size int) string { return `0{"token":"` + strings.Repeat("x", size-len(`{"token":""}`)) + `"}` }
		most, more := w.client(), w.client()
		most.say(auth(1 << 16))
		most.isOpen(true)
		if n := len(w.only().Handshake().Auth()); n != 1<<16 {
			t.Errorf("%d bytes of auth arrived", n)
		}
		more.say(auth(1<<16 + 1))
		more.isOpen(false)
		if n := w.server.Stats().Refused[ReasonForcedClose]; n != 1 {
			t.Errorf("%d connections refused, want 1", n)
		}
	})
}

func TestAuthIsForgottenOnceItHasServed(t *testing.T) {
	for _, middleware := range []bool{false, true} {
		inWorld(t, Config{ForgetAuth: true}, func(w *world) {
			seen := `{"token":"x"}`
			if middleware {
				seen = ""
				w.server.Use(func(s *Socket) error { seen = string(s.Handshake().Auth()); return nil })
			}
			w.server.OnConnect(func(s *Socket) {
				if s.Handshake().Auth() != nil {
					t.Errorf("OnConnect sees %s", s.Handshake().Auth())
				}
			})
			w.client().say(`0{"token":"x"}`)
			synctest.Wait()
			if seen != `{"token":"x"}` {
				t.Errorf("the middleware saw %q", seen)
			}
			found, err := w.server.FetchSockets(w.Context())
			if err != nil || len(found) != 1 || strings.Contains(string(found[0].Handshake()), "token") {
				t.Errorf("%v, %v: want one without the token", found, err)
			}
		})
	}
}

func TestClientThatIsRefusedAgainAndAgainIsClosed(t *testing.T) {
	inWorld(t, Config{MaxRefusals: 3}, func(w *world) {
		w.server.Use(func(*Socket) error { return errors.New("no") })
		c := w.client()
		for range 2 {
			c.say("0")
			c.hears(`4{"message":"no"}`)
			c.isOpen(true)
		}
		c.say("0/nope,")
		c.hears(`4/nope,{"message":"Invalid namespace"}`)
		c.isOpen(false)
		if st := w.server.Stats(); st.Rejected != 3 || st.Refused[ReasonForcedServer] != 1 {
			t.Errorf("rejected %d, refused %d, want 3 and 1", st.Rejected, st.Refused[ReasonForcedServer])
		}
	})
}

func TestSecondConnectCloses(t *testing.T) {
	for _, slow := range []bool{false, true} {
		inWorld(t, Config{}, func(w *world) {
			var j journal
			release := make(chan struct{})
			if slow {
				w.server.Use(func(*Socket) error { <-release; return nil })
			}
			w.server.OnConnect(func(s *Socket) { s.OnDisconnect(func(r Reason) { j.add("%s", r) }) })
			c := w.client()
			c.say("0", "0")
			c.isOpen(false)
			close(release)
			if slow {
				j.is(t) // the client went before it was let in: nobody is told
			} else {
				j.is(t, "forced server close")
			}
		})
	}
}

func TestPacketsBeforeAdmissionClose(t *testing.T) {
	for _, packet := range []string{`2["join","room"]`, `31[]`, `1`} {
		inWorld(t, Config{}, func(w *world) {
			release := make(chan struct{})
			w.server.On("join", func(*Event) { t.Error("an event was handled") })
			w.server.Use(func(*Socket) error { <-release; return nil })
			c := w.client()
			c.say("0", packet)
			c.isOpen(false)
			close(release)
			synctest.Wait()
			if n := w.server.Stats().Refused[ReasonForcedServer]; n != 1 {
				t.Errorf("%q: %d connections refused, want 1", packet, n)
			}
		})
	}
}

func TestClientGoneDuringMiddlewareLeavesNothing(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		release := make(chan struct{})
		w.server.Use(func(s *Socket) error {
			err := s.Join(context.Background(), "room")
			<-release
			return err
		})
		w.server.OnConnect(func(*Socket) { t.Error("OnConnect was called") })
		w.server.OnDisconnect(func(*Socket, Reason) { t.Error("OnDisconnect was called") })
		c := w.client()
		c.say("0")
		synctest.Wait()
		c.Close(engineio.ReasonTransportClose)
		close(release)
		c.hears()
	}) // which checks that no room is left
}

func TestNamespacesOfAConnectionAreBounded(t *testing.T) {
	inWorld(t, Config{MaxNamespaces: 2}, func(w *world) {
		w.server.OfPattern(regexp.MustCompile(`^/n\d$`))
		c := w.joined("/n1", "/n2")
		c.say("0/n3,")
		c.hears(`4/n3,{"message":"Too many namespaces","data":{"code":"limit"}}`)
		c.isOpen(true)
		if n := w.server.Stats().Rejected; n != 1 {
			t.Errorf("%d counted as rejected, want 1", n)
		}
		c.say("1/n1,")
		synctest.Wait()
		c.join("/n3")
	})
}

func TestConnectTimeout(t *testing.T) {
	inWorld(t, Config{ConnectTimeout: 3 * time.Second}, func(w *world) {
		idle, busy := w.client(), w.client()
		time.Sleep(2 * time.Second)
		busy.join("/")
		time.Sleep(time.Second)
		idle.isOpen(false)
		busy.isOpen(true)
		busy.say("1") // only the first join counts
		time.Sleep(time.Minute)
		busy.isOpen(true)
	})
}

func TestConnectTimeoutIncludesMiddleware(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		w.server.Use(func(*Socket) error { time.Sleep(time.Minute); return nil })
		c := w.client()
		c.say("0")
		time.Sleep(45 * time.Second)
		c.isOpen(false)
		time.Sleep(time.Minute)
		c.hears()
	})
}

func TestOnConnectComesBeforeEvents(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		var j journal
		w.server.OnConnect(func(s *Socket) {
			time.Sleep(time.Second)
			j.add("connected")
			s.On("a", func(*Event) { j.add("a") })
		})
		c := w.client()
		c.say("0", `2["a"]`)
		time.Sleep(time.Second)
		j.is(t, "connected", "a")
	})
}

func TestPanicInMiddlewareClosesOneClient(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		other := w.joined()
		w.server.Use(func(*Socket) error { panic("middleware") })
		c := w.client()
		c.say("0")
		c.isOpen(false)
		other.isOpen(true)
		if st := w.server.Stats(); st.Panics != 1 {
			t.Errorf("%d panics counted, want 1", st.Panics)
		}
	})
}

func TestDynamicNamespaces(t *testing.T) {
	inWorld(t, Config{CleanupEmptyNamespaces: true}, func(w *world) {
		var j journal
		d := w.server.OfPattern(regexp.MustCompile(`^/tenant-\d+$`))
		d.Use(func(s *Socket) error { j.add("use %s", s.Namespace().Name()); return nil })
		d.OnConnect(func(s *Socket) { j.add("connect %s", s.Namespace().Name()) })
		byFunc := w.server.OfFunc(func(name string, auth json.RawMessage) bool { return name == "/func" && string(auth) == `{"ok":true}` })
		byFunc.On("ping", func(e *Event) { _ = e.Ack("pong") })

		a, b := w.joined("/tenant-1"), w.joined("/tenant-2")
		j.is(t, "use /tenant-1", "connect /tenant-1", "use /tenant-2", "connect /tenant-2")
		_ = w.server.Of("/tenant-1").Emit("one")
		_ = d.Emit("all")
		a.hears(`2/tenant-1,["one"]`, `2/tenant-1,["all"]`)
		b.hears(`2/tenant-2,["all"]`)

		c := w.client()
		c.say("0/func,")
		c.hears(`4/func,{"message":"Invalid namespace"}`)
		c.say(`0/func,{"ok":true}`)
		synctest.Wait()
		c.take()
		c.say(`2/func,1["ping"]`)
		c.hears(`3/func,1["pong"]`)

		if n := w.server.Stats().Sockets[`^/tenant-\d+$`]; n != 2 {
			t.Errorf("%d sockets under the pattern, want 2", n)
		}
		b.say("1/tenant-2,")
		synctest.Wait()
		for _, n := range w.server.allNamespaces() {
			if n.Name() == "/tenant-2" {
				t.Error("the empty namespace is still there")
			}
		}
		b.join("/tenant-2") // and opens again
	})
}

func TestEmitToAllNamespacesOfARuleReachesThemWhileTheAdapterIsAway(t *testing.T) {
	away := errors.New("away")
	inWorld(t, Config{Adapter: &scriptedAdapter{away: away}}, func(w *world) {
		d := w.server.OfPattern(regexp.MustCompile(`^/d\d$`))
		one, two := w.joined("/d1"), w.joined("/d2")
		if err := d.Emit("x"); !errors.Is(err, away) {
			t.Errorf("Emit: %v, want the adapter's error", err)
		}
		one.hears(`2/d1,["x"]`)
		two.hears(`2/d2,["x"]`)
	})
}

func TestNamespacesOfTheServerAreBounded(t *testing.T) {
	inWorld(t, Config{MaxOpenNamespaces: 2}, func(w *world) {
		w.server.OfPattern(regexp.MustCompile(`^/d\d$`))
		c := w.joined("/d1")
		c.say("0/d2,")
		c.hears(`4/d2,{"message":"Too many namespaces","data":{"code":"limit"}}`)
		w.joined("/d1", "/")
	})
}

func TestEmitsOfDisconnectHandlersLeaveTheNodeWhileItCloses(t *testing.T) {
	inCluster(t, 2, func(t *testing.T, servers []*Server) {
		servers[0].OnDisconnect(func(s *Socket, _ Reason) { _ = servers[0].Emit("gone") })
		leaver, stays := settle(t, servers[0]), settle(t, servers[1])
		defer end(stays)
		go func() {
			synctest.Wait()
			leaver.Close(engineio.ReasonShutdown)
		}()
		if err := servers[0].Close(t.Context()); err != nil {
			t.Error(err)
		}
		stays.hears(`2["gone"]`)
	})
}
