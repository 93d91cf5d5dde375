package socketio

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

// FuzzClient lets a client say anything: messages are parted by 0x1e, and begin
// with b if they are binary. Whatever it is, the other client is served, only a
// close ends the session, and nothing is left afterwards.
func FuzzClient(f *testing.F) {
	for _, seed := range []string{
		"0\x1e2[\"a\"]", "0\x1e0", "0/chat,{}\x1e2/chat,1[\"a\"]\x1e1/chat,", "2[\"a\"]", "0\x1e51-[\"a\",{\"_placeholder\":true,\"num\":0}]\x1ebxyz",
		"0\x1e30[1]\x1e1\x1e0", "4{}", "bx", "", "0/d1,\x1e0/d2,\x1e0/no,", "0\x1e61-0[{\"_placeholder\":true,\"num\":0}]\x1eb", "0\x1e2[\"panic\"]\x1e2[\"a\"]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, said []byte) {
		synctest.Test(t, func(t *testing.T) {
			s := newTestServer(t, Config{MaxNamespaces: 3, InboxSize: 4}, "node", new(strings.Builder))
			s.Of("/chat").Use(func(s *Socket) error { time.Sleep(time.Second); return s.Join(t.Context(), "room") })
			s.On("panic", func(*Event) { panic("asked for") })
			s.On("are you there?", func(e *Event) { _ = e.Ack() })
			c, other := open(t, s), open(t, s)
			other.join("/")
			s.OnConnect(func(socket *Socket) {
				socket.OnAny(func(e *Event) { _ = e.Ack(e.Args().From(0)) })
				go func() { _, _ = s.Timeout(time.Second).EmitWithAck(t.Context(), "ask") }()
			})
			for message := range bytes.SplitSeq(said, []byte{0x1e}) {
				data, binary := bytes.CutPrefix(message, []byte("b"))
				c.receiver.Message(data, binary)
			}
			time.Sleep(5 * time.Second)
			other.take()
			other.say(`29["are you there?"]`)
			other.hears(`39[]`)
			for _, end := range []*client{c, other} {
				end.Close(engineio.ReasonTransportClose)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := s.Close(ctx); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			st := s.Stats()
			if st.Sockets["/"]+st.Sockets["/chat"]+st.Rooms["/chat"] != 0 {
				t.Errorf("sockets %v and rooms %v are left", st.Sockets, st.Rooms)
			}
		})
	})
}

func FuzzParseClaim(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"pid":"AAAAAAAAAAAAAAAAAAAAAAAA","offset":"1-2"}`, `{"pid":null,"offset":null}`, `{"pid":1}`, `{"pid":"x","pid":"AAAAAAAAAAAAAAAAAAAAAAAA"}`,
		`{"pid":"AAAAAAAAAAAAAAAAAAAAAAAA","offset":""}`, `{"pid":"AAAAAAAAAAAAAAAAAAAAAAAA","offset":[]}`, `{"PID":"AAAAAAAAAAAAAAAAAAAAAAAA"}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, auth []byte) {
		c, err := parseClaim(auth)
		if err != nil && (c != nil || err != refusedMalformed) {
			t.Errorf("%v with %v", c, err)
		}
		if c != nil && (!isPID(c.pid) || c.without && !c.offset.IsZero()) {
			t.Errorf("claim %v", c)
		}
	})
}
