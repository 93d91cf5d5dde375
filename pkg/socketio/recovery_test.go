package socketio

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

// recovering runs a test with a server whose clients can recover, and which has no adapter.
func recovering(t *testing.T, set Recovery, test func(t *testing.T, s *Server)) {
	t.Helper()
	inWorld(t, Config{Recovery: func(string) Recovery { return set }}, func(w *world) { test(w.T, w.server) })
}

var twoMinutesLong = Recovery{Window: 2 * time.Minute}

func TestClientGetsWhatItMissed(t *testing.T) {
	recovering(t, twoMinutesLong, func(t *testing.T, s *Server) {
		a := newcomer(t, s)
		_ = a.socket().Join(t.Context(), "red", "blue")
		_ = s.Emit("1")
		a.hear(t, "1")
		a.cut()
		_ = s.Emit("2")
		_ = s.To("red").Emit("3", Binary("bytes"))
		_ = s.To("green").Emit("not in the room")
		_ = s.To("red", "blue").Emit("4")
		_ = s.To("red").Except("blue").Emit("left out")
		_ = s.To(a.sid).Emit("5")
		_ = s.Except(a.sid).Emit("left out by id")
		_ = s.Volatile().Emit("volatile")
		_ = s.Local().Emit("local")
		a.back(t)
		_ = s.To("blue").Emit("6")
		_ = a.socket().Emit("7")
		a.hear(t, "2", "3", "4", "5", "6", "7")
		a.cut()
		a.back(t)
		a.hear(t)
		a.cut()
		if st := s.Stats(); st.Recovered != 2 || st.Replayed != 4 {
			t.Errorf("%d recovered, %d replayed", st.Recovered, st.Replayed)
		}
	})
}

func TestMissedEventIsAsItWas(t *testing.T) {
	recovering(t, twoMinutesLong, func(t *testing.T, s *Server) {
		a := newcomer(t, s)
		emit := func() { _ = s.Emit("bin", 1, Binary("x"), "text", Binary("y")) }
		emit()
		synctest.Wait()
		live := a.take()
		a.offset = ""
		a.Close(engineio.ReasonTransportClose)
		a.client = open(t, s)
		a.say(fmt.Sprintf(`0{"pid":%q}`, a.pid))
		synctest.Wait()
		again := a.take()
		if len(again) != 4 || !slices.Equal(again[:3], live) {
			t.Errorf("replayed %q, was %q", again, live)
		}
		a.cut()
	})
}

func TestEveryEventHasAnOffset(t *testing.T) {
	recovering(t, twoMinutesLong, func(t *testing.T, s *Server) {
		a := newcomer(t, s)
		defer a.cut()
		_ = s.Volatile().Emit("v")
		a.hears(`2["v","0-0"]`)
		_ = s.Emit("e", "x")
		at := s.main.recovery.at().String()
		a.hears(`2["e","x","` + at + `"]`)
		_ = s.Volatile().Emit("v")
		_ = a.socket().Volatile().Emit("own", 1)
		_ = s.Local().Emit("l")
		a.hears(`2["v","`+at+`"]`, `2["own",1,"`+at+`"]`, `2["l","`+at+`"]`)
		go func() { _, _ = s.Timeout(time.Second).EmitWithAck(t.Context(), "ask") }()
		a.hears(`20["ask"]`)
		time.Sleep(2 * time.Second)
	})
}

func TestHostileClaimsStartAfresh(t *testing.T) {
	recovering(t, twoMinutesLong, func(t *testing.T, s *Server) {
		pid := newPID()
		for _, auth := range []string{
			`{"pid":1}`, `{"pid":true}`, `{"pid":[]}`, `{"pid":{"pid":"x"}}`, `{"pid":""}`, `{"pid":"x"}`,
			`{"pid":"` + strings.Repeat("A", 60_000) + `"}`, `{"pid":"` + pid[:23] + `\n"}`, `{"pid":"` + pid[:23] + `=","offset":"0-0"}`,
			`{"pid":"` + pid + `","offset":1}`, `{"pid":"` + pid + `","offset":{}}`, `{"pid":"` + pid + `","offset":"x"}`,
			`{"pid":"` + pid + `","offset":"-1-1"}`, `{"pid":"` + pid + `","offset":"99999999999999999999-0"}`,
			`{"pid":"` + pid + `","offset":"` + strings.Repeat("1", 60_000) + `"}`, `{"pid":"` + pid + `","offset":[["1-1"]]}`,
		} {
			before := s.Stats().RecoveryRefused["malformed"]
			c := open(t, s)
			c.say("0" + auth)
			synctest.Wait()
			if got := c.take(); len(got) != 1 || !strings.HasPrefix(got[0], `0{"sid"`) {
				t.Errorf("%.100s was answered with %q", auth, got)
			}
			if s.Stats().RecoveryRefused["malformed"] != before+1 {
				t.Errorf("%.100s was not counted as malformed", auth)
			}
			c.Close(engineio.ReasonTransportClose)
		}
		for _, auth := range []string{`{"pid":null}`, `{"PID":"x"}`, `{"a":{"pid":"x"}}`, `{"text":"\"pid\""}`, `{}`, ``} {
			c := open(t, s)
			c.say("0" + auth)
			synctest.Wait()
			if got := c.take(); len(got) != 1 || !strings.HasPrefix(got[0], `0{"sid"`) {
				t.Errorf("%s was answered with %q", auth, got)
			}
			c.Close(engineio.ReasonTransportClose)
		}
		if st := s.Stats(); st.RecoveryRefused["malformed"] != 16 || st.RecoveryRefused["unknown"] != 0 {
			t.Errorf("refused: %v", st.RecoveryRefused)
		}
	})
}

func TestOffsetFromTheFutureStartsAfresh(t *testing.T) {
	recovering(t, twoMinutesLong, func(t *testing.T, s *Server) {
		for _, offset := range []string{"18446744073709551615-18446744073709551615", fmt.Sprint(time.Now().Add(time.Hour).UnixMilli(), "-0"), "5-5"} {
			a := newcomer(t, s)
			_ = s.Emit("1")
			a.hear(t, "1")
			a.cut()
			_ = s.Emit("2")
			a.offset = strings.ReplaceAll(offset, " ", "")
			if offset == "5-5" { // before the session: nothing is given out that was not for it
				a.back(t)
				a.got = nil
				a.cut()
				continue
			}
			a.afresh(t, "forgotten")
			a.cut()
		}
	})
}

func TestSessionBelongsToItsUser(t *testing.T) {
	recovering(t, twoMinutesLong, func(t *testing.T, s *Server) {
		s.Use(func(s *Socket) error {
			var auth struct{ User string }
			_ = s.Handshake().BindAuth(&auth)
			if auth.User == "banned" {
				return &ConnectError{Message: "no"}
			}
			s.SetUser(auth.User)
			return nil
		})
		a := &returner{server: s}
		a.connect(t, "ada")
		pid := a.pid
		a.cut()
		_ = s.Emit("1")
		thief := &returner{server: s, pid: pid}
		if thief.connect(t, "eve") {
			t.Error("another user goes on with the session")
		}
		thief.cut()
		if s.Stats().RecoveryRefused["user"] != 1 {
			t.Errorf("refused: %v", s.Stats().RecoveryRefused)
		}
		c := open(t, s)
		c.say(`0{"user":"banned","pid":"` + pid + `"}`)
		c.hears(`4{"message":"no"}`)
		c.Close(engineio.ReasonTransportClose)
		if !a.connect(t, "ada") {
			t.Error("its own user does not")
		}
		a.hear(t, "1")
		a.cut()
	})
}

func TestSessionExpires(t *testing.T) {
	recovering(t, twoMinutesLong, func(t *testing.T, s *Server) {
		a := newcomer(t, s)
		a.cut()
		time.Sleep(2*time.Minute - time.Second)
		a.back(t)
		a.cut()
		time.Sleep(2*time.Minute + time.Second)
		a.afresh(t, "unknown")
		a.cut()
	})
}

func TestIdleClientRecoversAfterDays(t *testing.T) {
	recovering(t, twoMinutesLong, func(t *testing.T, s *Server) {
		a, b := newcomer(t, s), newcomer(t, s)
		_ = b.socket().Join(t.Context(), "busy")
		_ = s.To(a.sid).Emit("1")
		a.hear(t, "1")
		for range 24 * 60 {
			time.Sleep(2 * time.Minute)
			_ = s.To("busy").Emit("to others")
		}
		b.take()
		a.cut()
		time.Sleep(time.Minute + 50*time.Second)
		_ = s.Emit("2")
		a.back(t)
		a.hear(t, "2")
		a.cut()
		b.Close(engineio.ReasonTransportClose)
	})
}

func TestClientThatLostTheFirstEventInDaysRecovers(t *testing.T) {
	recovering(t, twoMinutesLong, func(t *testing.T, s *Server) {
		a := newcomer(t, s)
		_ = s.Emit("1")
		a.hear(t, "1")
		time.Sleep(48 * time.Hour)
		_ = s.Emit("2") // goes into a connection that is dead already
		time.Sleep(44 * time.Second)
		a.cut()
		time.Sleep(119 * time.Second)
		a.back(t)
		a.hear(t, "2")
		a.cut()
	})
}

func TestTooManyMissedStartAfresh(t *testing.T) {
	recovering(t, Recovery{Window: time.Minute, MaxEvents: 10}, func(t *testing.T, s *Server) {
		a := newcomer(t, s)
		a.cut()
		for i := range 10 {
			_ = s.Emit(fmt.Sprint(i))
		}
		a.back(t)
		a.hear(t, "0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
		a.cut()
		for range 11 {
			_ = s.Emit("x")
		}
		a.afresh(t, "too_many")
		a.cut()
	})
	recovering(t, Recovery{Window: time.Minute, MaxBytes: 10_000}, func(t *testing.T, s *Server) {
		a := newcomer(t, s)
		a.cut()
		_ = s.Emit("x", Binary(make([]byte, 11_000)))
		a.afresh(t, "too_many")
		a.cut()
	})
}

func TestDisconnectEndsTheSession(t *testing.T) {
	for name, end := range map[string]func(a *returner){
		"by the client": func(a *returner) { a.say("1") },
		"by the server": func(a *returner) { a.socket().Disconnect(false); synctest.Wait(); a.take() },
		"with close":    func(a *returner) { a.socket().Disconnect(true); synctest.Wait(); a.take() },
	} {
		t.Run(name, func(t *testing.T) {
			recovering(t, twoMinutesLong, func(t *testing.T, s *Server) {
				a := newcomer(t, s)
				end(a)
				a.Close(engineio.ReasonTransportClose)
				a.afresh(t, "unknown")
				a.cut()
			})
		})
	}
}

func TestReasonsThatLetTheClientComeBack(t *testing.T) {
	for _, reason := range []engineio.Reason{
		engineio.ReasonTransportClose, engineio.ReasonTransportError, engineio.ReasonPingTimeout, engineio.ReasonForcedClose,
		engineio.ReasonSlow, engineio.ReasonShutdown,
	} {
		recovering(t, twoMinutesLong, func(t *testing.T, s *Server) {
			a := newcomer(t, s)
			a.Close(reason)
			_ = s.Emit("1")
			a.back(t)
			a.hear(t, "1")
			a.socket().SendAway()
			_ = s.Emit("2")
			a.back(t)
			a.hear(t, "2")
			a.say("4") // a CONNECT_ERROR is out of place
			_ = s.Emit("3")
			a.back(t)
			a.hear(t, "3")
			a.cut()
		})
	}
}

func TestRoomsAndDataComeBack(t *testing.T) {
	recovering(t, twoMinutesLong, func(t *testing.T, s *Server) {
		a := newcomer(t, s)
		_ = a.socket().Join(t.Context(), "red", "blue", "green")
		_ = a.socket().Leave(t.Context(), "blue")
		a.socket().SetData(map[string]int{"n": 1})
		a.cut()
		a.back(t)
		if rooms := a.socket().Rooms(); !slices.Equal(rooms, []string{a.sid, "red", "green"}) {
			t.Errorf("rooms are %q", rooms)
		}
		if data, ok := a.socket().Data().(json.RawMessage); !ok || string(data) != `{"n":1}` {
			t.Errorf("data is %s", data)
		}
		_ = s.To("blue").Emit("left")
		_ = s.To("red").Emit("1")
		a.hear(t, "1")
		_ = a.socket().Leave(t.Context(), "red", "green")
		a.cut()
		a.back(t)
		if rooms := a.socket().Rooms(); !slices.Equal(rooms, []string{a.sid}) {
			t.Errorf("rooms are %q", rooms)
		}
		a.cut()
	})
}

func TestMembershipCountsWhereItWas(t *testing.T) {
	recovering(t, twoMinutesLong, func(t *testing.T, s *Server) {
		a := newcomer(t, s)
		socket := a.socket()
		_ = s.To("red").Emit("before the join")
		_ = socket.Join(t.Context(), "red")
		_ = s.To("red").Emit("1")
		_ = s.Except("red").Emit("left out")
		_ = socket.Leave(t.Context(), "red")
		_ = s.To("red").Emit("after the leave")
		_ = s.Except("red").Emit("2")
		_ = socket.Join(t.Context(), "red")
		_ = s.To("red").Emit("3")
		a.cut() // with all of it on its way
		_ = s.To("red").Emit("4")
		a.back(t)
		a.hear(t, "1", "2", "3", "4")
		a.cut()
	})
}

func TestManyLeavesAreForgottenAloud(t *testing.T) {
	recovering(t, twoMinutesLong, func(t *testing.T, s *Server) {
		a, b := newcomer(t, s), newcomer(t, s)
		_ = s.Emit("0")
		b.hear(t, "0")
		a.take() // and is lost
		for i := range maxLeft + 1 {
			room := fmt.Sprint(i)
			_ = a.socket().Join(t.Context(), room)
			_ = b.socket().Join(t.Context(), room)
			_ = s.To(room).Emit(room)
			_ = a.socket().Leave(t.Context(), room)
			_ = b.socket().Leave(t.Context(), room)
		}
		b.read(t)
		a.cut()
		b.cut()
		a.afresh(t, "forgotten")
		b.back(t)
		b.hear(t)
		a.cut()
		b.cut()
	})
}

// Two connections claim one session at once: the later one has it in the end.
func TestOneOfTwoTakersKeepsTheSession(t *testing.T) {
	recovering(t, twoMinutesLong, func(t *testing.T, s *Server) {
		wait := make(chan struct{})
		first := true
		a := newcomer(t, s)
		a.cut()
		s.Use(func(*Socket) error {
			if first {
				<-wait
			}
			return nil
		})
		b := open(t, s)
		c := open(t, s)
		b.say(`0{"pid":"` + a.pid + `"}`)
		c.say(`0{"pid":"` + a.pid + `"}`)
		synctest.Wait()
		first = false
		close(wait)
		synctest.Wait()
		open, owners := 0, 0
		for _, k := range []*client{b, c} {
			answers := k.take()
			switch {
			case k.isClosed(): // the other one was later
				continue
			case len(answers) != 1:
				t.Errorf("answers %q", answers)
			case strings.Contains(answers[0], a.sid):
				owners++
			}
			open++
		}
		if st := s.Stats(); owners != 1 || st.SavedSessions != int64(open) || st.Sockets["/"] != int64(open) {
			t.Errorf("%d owners, %d connections, %d sessions, %d sockets", owners, open, st.SavedSessions, st.Sockets["/"])
		}
		b.Close(engineio.ReasonTransportClose)
		c.Close(engineio.ReasonTransportClose)
	})
}

func TestNewConnectionSilencesTheOldOne(t *testing.T) {
	recovering(t, twoMinutesLong, func(t *testing.T, s *Server) {
		var ends journal
		s.OnDisconnect(func(_ *Socket, r Reason) { ends.add("%s", r) })
		a := newcomer(t, s)
		_ = a.socket().Join(t.Context(), "red")
		_ = s.Emit("1")
		a.hear(t, "1")
		old := a.client
		_ = s.Emit("2") // on its way in the old connection
		old.take()
		a.back(t)
		ends.is(t, "taken over")
		_ = s.To("red").Emit("3")
		_ = s.To(a.sid).Emit("4")
		a.hear(t, "2", "3", "4")
		old.hears()
		old.isOpen(false)
		if st := s.Stats(); st.TakenOver != 1 || st.Sockets["/"] != 1 {
			t.Errorf("%d taken over, %d sockets", st.TakenOver, st.Sockets["/"])
		}
		a.cut()
		a.back(t)
		a.cut()
	})
}

func TestOldConnectionKeepsItsOtherNamespaces(t *testing.T) {
	recovering(t, twoMinutesLong, func(t *testing.T, s *Server) {
		s.Of("/other")
		a := newcomer(t, s)
		old := a.client
		old.say("0/other,")
		synctest.Wait()
		old.take()
		a.back(t)
		old.isOpen(true)
		_ = s.Of("/other").Emit("1")
		_ = s.Emit("2")
		a.hear(t, "2")
		if got := old.take(); len(got) != 1 || !strings.HasPrefix(got[0], `2/other,["1",`) {
			t.Errorf("the old connection got %q", got)
		}
		old.Close(engineio.ReasonTransportClose)
		a.cut()
	})
}

func TestWithoutRecoveryNothingIsDifferent(t *testing.T) {
	set := func(namespace string) Recovery {
		if namespace == "/with" {
			return twoMinutesLong
		}
		return Recovery{}
	}
	inWorld(t, Config{Recovery: set}, func(w *world) {
		w.server.Of("/with")
		c := w.client()
		c.join("/") // the answer has no pid
		_ = w.server.Emit("1", "x")
		c.hears(`2["1","x"]`)
		if w.server.main.recovery != nil || w.server.Of("/with").recovery == nil {
			t.Error("recovery is on where it should be off, or off where it should be on")
		}
		d := w.client()
		d.say(`0{"pid":"x"}`)
		synctest.Wait()
		if got := d.take(); len(got) != 1 || strings.Contains(got[0], "pid") {
			t.Errorf("got %q", got)
		}
	})
}
