package socketio

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

// returner is a client that can come back, as the official one does.
type returner struct {
	*client
	server *Server
	sid    string
	pid    string
	offset string   // of the last event; empty: none
	got    []string // names of the events, in their order
}

// newcomer connects to "/".
func newcomer(t testing.TB, s *Server) *returner {
	t.Helper()
	r := &returner{server: s}
	r.connect(t, "")
	if r.pid == "" {
		t.Fatal("no pid")
	}
	return r
}

// connect opens a session, and reports whether it goes on with the one of before.
func (r *returner) connect(t testing.TB, user string) (recovered bool) {
	t.Helper()
	r.client = open(t, r.server)
	r.say(r.claim(user))
	synctest.Wait()
	before := r.pid
	missed, connected := r.read(t)
	if !connected {
		t.Fatal("the client was not connected")
	}
	recovered = before != "" && r.pid == before
	if len(missed) > 0 && !recovered {
		t.Errorf("a client that starts afresh was sent %q", missed)
	}
	r.got = append(r.got, missed...)
	return recovered
}

// claim is the CONNECT packet of a user.
func (r *returner) claim(user string) string {
	auth := map[string]string{"user": user}
	if r.pid != "" {
		auth["pid"] = r.pid
	}
	if r.offset != "" {
		auth["offset"] = r.offset
	}
	text, _ := json.Marshal(auth)
	return "0" + string(text)
}

// read takes what was sent as the official client does, and returns the names of the
// events, and whether a CONNECT came, which must be behind them.
func (r *returner) read(t testing.TB) (names []string, connected bool) {
	t.Helper()
	synctest.Wait()
	for _, text := range r.take() {
		switch {
		case strings.HasPrefix(text, "0{"):
			var greeting struct{ Sid, Pid string }
			if err := json.Unmarshal([]byte(text[1:]), &greeting); err != nil {
				t.Fatal(err)
			}
			r.sid, r.pid, connected = greeting.Sid, greeting.Pid, true
		case strings.HasPrefix(text, "2[") || strings.HasPrefix(text, "51-["):
			if connected {
				t.Errorf("%s came behind the CONNECT", text)
			}
			names = append(names, r.note(t, text))
		case strings.HasPrefix(text, "<"):
		default:
			t.Errorf("unexpected %s", text)
		}
	}
	return names, connected
}

// note takes an event, whose offset must be behind those of before.
func (r *returner) note(t testing.TB, text string) (name string) {
	t.Helper()
	var args []any
	_, array, _ := strings.Cut(text, "[")
	if err := json.Unmarshal([]byte("["+array), &args); err != nil {
		t.Fatal(err)
	}
	last, _ := args[len(args)-1].(string)
	at, err := ParseOffset(last)
	if err != nil {
		t.Fatalf("%s has no offset", text)
	}
	if before, err := ParseOffset(r.offset); err == nil && !at.After(before) {
		t.Errorf("%s came after %s", last, r.offset)
	}
	r.offset = last
	return args[0].(string)
}

// hear checks the events that have come.
func (r *returner) hear(t testing.TB, want ...string) {
	t.Helper()
	names, _ := r.read(t)
	r.got = append(r.got, names...)
	if fmt.Sprint(r.got) != fmt.Sprint(want) {
		t.Errorf("client got %q, want %q", r.got, want)
	}
	r.got = nil
}

// cut ends the connection as the network does. What has come is lost.
func (r *returner) cut() {
	r.Close(engineio.ReasonTransportClose)
	synctest.Wait()
	r.take()
}

// back comes back, and must go on with its session.
func (r *returner) back(t testing.TB) {
	t.Helper()
	sid := r.sid
	if !r.connect(t, "") {
		t.Fatal("not recovered")
	}
	if r.sid != sid {
		t.Errorf("the socket's id was %s and is %s", sid, r.sid)
	}
	if s := r.socket(); !s.Recovered() {
		t.Error("the socket does not say so")
	}
}

// putOff comes back, and must be told nothing but that the connection is closed.
func (r *returner) putOff(t testing.TB) {
	t.Helper()
	c := open(t, r.server)
	c.say(r.claim(""))
	synctest.Wait()
	if got := c.take(); !c.isClosed() || len(got) > 0 {
		t.Errorf("closed %v, got %q", c.isClosed(), got)
	}
}

// afresh comes back, and must get a new session, for a reason.
func (r *returner) afresh(t testing.TB, why string) {
	t.Helper()
	before, sid := r.server.Stats().RecoveryRefused[why], r.sid
	if r.connect(t, "") || r.sid == sid {
		t.Error("recovered")
	}
	if r.server.Stats().RecoveryRefused[why] != before+1 {
		t.Errorf("refused: %v, want one more %s", r.server.Stats().RecoveryRefused, why)
	}
	r.offset = ""
}

func (r *returner) socket() *Socket { return r.receiver.(*conn).socket("/") }
