package socketio

import (
	"strings"
	"testing"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

// TestMisuseClosesTheClient has a row for each class of protocol.md 2.3.
func TestMisuseClosesTheClient(t *testing.T) {
	for _, test := range []struct {
		name  string
		texts []string
		want  Reason
	}{
		{"unknown kind", []string{"9"}, ReasonForcedClose},
		{"not a packet", []string{"abc"}, ReasonForcedClose},
		{"empty", []string{""}, ReasonForcedClose},
		{"object for event", []string{"2{}"}, ReasonForcedClose},
		{"no event name", []string{"2[]"}, ReasonForcedClose},
		{"bare event", []string{"2"}, ReasonForcedClose},
		{"reserved event", []string{`2["disconnect"]`}, ReasonForcedClose},
		{"broken JSON", []string{`2["a",`}, ReasonForcedClose},
		{"too deep", []string{`2["a",` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "]"}, ReasonForcedClose},
		{"object for ack", []string{"31{}"}, ReasonForcedClose},
		{"payload for disconnect", []string{"1{}"}, ReasonForcedClose},
		{"text for auth", []string{`0/other,"t"`}, ReasonForcedClose},
		{"too many attachments", []string{`511-["a"]`}, ReasonForcedClose},
		{"text between attachments", []string{`51-["a",{"_placeholder":true,"num":0}]`, `2["b"]`}, ReasonForcedClose},
		{"placeholder out of range", []string{`51-["a",{"_placeholder":true,"num":1}]`, "<x>"}, ReasonForcedClose},
		{"binary without packet", []string{"<x>"}, ReasonForcedClose},
		{"event for another namespace", []string{`2/other,["a"]`}, ReasonForcedServer},
		{"binary event for another namespace", []string{`51-/other,["a",{"_placeholder":true,"num":0}]`}, ReasonForcedServer},
		{"ack for another namespace", []string{`3/other,1[]`}, ReasonForcedServer},
		{"disconnect of another namespace", []string{`1/other,`}, ReasonForcedServer},
		{"second connect", []string{"0"}, ReasonForcedServer},
		{"connect error", []string{`4{"message":"x"}`}, ReasonForcedServer},
	} {
		t.Run(test.name, func(t *testing.T) {
			inWorld(t, Config{}, func(w *world) {
				var j journal
				w.server.OnConnect(func(s *Socket) {
					s.OnAny(func(e *Event) { j.add("event %s", e.Name()) })
					s.OnError(func(err error) { j.add("error") })
					s.OnDisconnect(func(r Reason) { j.add("%s", r) })
				})
				c, other := w.joined(), w.joined()
				for _, text := range test.texts {
					if data, ok := strings.CutPrefix(text, "<"); ok {
						c.sayBinary(strings.TrimSuffix(data, ">"))
					} else {
						c.say(text)
					}
				}
				c.say(`2["late"]`)
				c.isOpen(false)
				j.is(t, "error", string(test.want))
				other.isOpen(true)
				if n := w.server.Stats().Refused[test.want]; n != 1 {
					t.Errorf("%d counted as %q, want 1", n, test.want)
				}
			})
		})
	}
}

func TestHarmlessOdditiesAreAccepted(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		var j journal
		w.server.On("error", func(e *Event) { j.add("%s", e.Name()) })
		w.server.On("7", func(e *Event) { j.add("%s", e.Name()) })
		c := w.joined()
		c.say(`3999["x"]`, `3["x"]`) // acks that nobody waits for
		c.say(`2["error"]`, `2[7]`, `2["nobody listens"]`)
		j.is(t, "error", "7")
		c.isOpen(true)
		st := w.server.Stats()
		if st.BadAcks != 2 || st.Unhandled != 1 {
			t.Errorf("%d bad acks and %d unhandled events, want 2 and 1", st.BadAcks, st.Unhandled)
		}
	})
}

func TestSessionsEndGivesTheReason(t *testing.T) {
	for _, reason := range []engineio.Reason{
		engineio.ReasonTransportClose, engineio.ReasonTransportError, engineio.ReasonPingTimeout, engineio.ReasonParseError,
		engineio.ReasonSlow, engineio.ReasonShutdown, engineio.ReasonForcedClose,
	} {
		inWorld(t, Config{}, func(w *world) {
			var j journal
			w.server.OnDisconnect(func(_ *Socket, r Reason) { j.add("%s", r) })
			c := w.joined()
			c.Close(reason)
			j.is(t, string(reason))
			if n := w.server.Stats().Disconnects[Reason(reason)]; n != 1 {
				t.Errorf("%d disconnects counted as %q, want 1", n, reason)
			}
		})
	}
}

func TestBinaryEvents(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		w.server.On("up", func(e *Event) {
			var first, second Binary
			if err := e.Bind(&first, &second); err != nil {
				t.Error(err)
			}
			_ = e.Ack(second, first)
		})
		w.server.On("relay", func(e *Event) { _ = e.Socket().Emit("relayed", e.Args().From(0)) })
		c := w.joined()
		c.say(`52-7["up",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
		c.sayBinary("one")
		c.sayBinary("two")
		c.hears(`62-7[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, "<two>", "<one>")
		c.say(`51-["relay",{"a":{"_placeholder":true,"num":0}}]`)
		c.sayBinary("x")
		c.hears(`51-["relayed",{"a":{"_placeholder":true,"num":0}}]`, "<x>")
	})
}

func TestAttachmentsAreBoundedInTotal(t *testing.T) {
	cfg := Config{}
	cfg.Engine.MaxPayload = 10
	inWorld(t, cfg, func(w *world) {
		c := w.joined()
		c.say(`52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
		c.sayBinary("123456")
		c.isOpen(true)
		c.sayBinary("12345")
		c.isOpen(false)
	})
}

func TestUnfinishedPacketIsFreedAtTheEnd(t *testing.T) {
	inWorld(t, Config{}, func(w *world) {
		c := w.joined()
		c.say(`52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`)
		c.sayBinary("x")
		c.Close(engineio.ReasonTransportClose)
		if conn := c.receiver.(*conn); conn.assembling() {
			t.Error("the attachments are still held")
		}
	})
}
