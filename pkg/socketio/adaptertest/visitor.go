package adaptertest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// visitor is a client that can come back, as the official one does.
type visitor struct {
	t    *testing.T
	user string
	// Owned by the test.
	at   *server
	sid  string
	link *link

	mu sync.Mutex
	// Guarded by mu.
	pid    string
	offset string
	got    []string // events without their offsets
	more   chan struct{}
}

// link is one connection of a visitor.
type link struct {
	conn  *websocket.Conn
	ended chan struct{} // its reader has ended
	deaf  bool          // what comes is lost. Guarded by visitor.mu
}

func (w *recoveryWorld) visitor(at *server) *visitor {
	w.Helper()
	v := &visitor{t: w.T, more: make(chan struct{})}
	w.visitors = append(w.visitors, v)
	if v.connect(at) {
		w.Error("a new client has recovered")
	}
	return v
}

// connect opens a connection, and reports whether it goes on with the session of before. The
// connection of before is no longer listened to, but stays open.
func (v *visitor) connect(at *server) (recovered bool) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, strings.Replace(at.url, "http", "ws", 1)+"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		v.t.Fatal(err)
	}
	conn.SetReadLimit(16 << 20)
	v.mu.Lock()
	auth := map[string]string{"user": v.user}
	if v.pid != "" {
		auth["pid"] = v.pid
		if v.offset != "" {
			auth["offset"] = v.offset
		}
	}
	before := v.pid
	if v.link != nil {
		v.link.deaf = true // the client listens to one connection
	}
	v.mu.Unlock()
	text, err := json.Marshal(auth)
	if err == nil {
		err = conn.Write(ctx, websocket.MessageText, append([]byte("40"), text...))
	}
	if err != nil {
		v.t.Fatal(err)
	}
	missed, greeting := v.await(ctx, conn)
	recovered = before != "" && greeting.PID == before
	if recovered != (v.sid == greeting.SID) || !recovered && len(missed) > 0 {
		v.t.Errorf("recovered %v, the socket's id was %s and is %s, and %d events came first", recovered, v.sid, greeting.SID, len(missed))
	}
	v.mu.Lock()
	v.pid, v.sid, v.at = greeting.PID, greeting.SID, at
	if !recovered {
		v.offset = ""
	}
	for _, text := range missed {
		v.take(text)
	}
	v.mu.Unlock()
	v.link = &link{conn: conn, ended: make(chan struct{})}
	go v.read(v.link)
	return recovered
}

type greeting struct{ SID, PID string }

// await reads up to the CONNECT packet, and keeps what comes before, as the client does.
func (v *visitor) await(ctx context.Context, conn *websocket.Conn) (missed []string, g greeting) {
	v.t.Helper()
	for {
		_, data, err := conn.Read(ctx)
		if err != nil {
			v.t.Fatalf("while connecting: %v", err)
		}
		switch text := string(data); {
		case strings.HasPrefix(text, "40{"):
			if err := json.Unmarshal(data[2:], &g); err != nil {
				v.t.Fatal(err)
			}
			return missed, g
		case strings.HasPrefix(text, "0{"): // of Engine.IO
		case strings.HasPrefix(text, "44"):
			v.t.Fatalf("refused: %s", text)
		default:
			missed = append(missed, text)
		}
	}
}

func (v *visitor) read(l *link) {
	defer close(l.ended)
	for {
		_, data, err := l.conn.Read(context.Background())
		if err != nil {
			return
		}
		if string(data) == "2" {
			_ = l.conn.Write(context.Background(), websocket.MessageText, []byte("3"))
			continue
		}
		v.mu.Lock()
		if !l.deaf {
			v.take(string(data))
		}
		v.mu.Unlock()
	}
}

// take needs mu. Of a packet with attachments it notes these with the next texts.
func (v *visitor) take(text string) {
	at := strings.IndexByte(text, '[')
	if !strings.HasPrefix(text, "42[") && !strings.HasPrefix(text, "45") || at < 0 {
		v.got = append(v.got, fmt.Sprintf("<%x>", text))
		return
	}
	var args []json.RawMessage
	if err := json.Unmarshal([]byte(text[at:]), &args); err != nil {
		v.t.Errorf("%s: %v", text, err)
		return
	}
	var offset string
	_ = json.Unmarshal(args[len(args)-1], &offset)
	place, err := socketio.ParseOffset(offset)
	if err != nil {
		v.t.Errorf("%s has no offset", text)
		return
	}
	if before, err := socketio.ParseOffset(v.offset); err == nil && !place.After(before) {
		v.t.Errorf("%.200s came behind %s", text, v.offset)
	}
	v.offset = offset
	event, _ := json.Marshal(args[:len(args)-1])
	v.got = append(v.got, string(event))
	close(v.more)
	v.more = make(chan struct{})
}

// cut ends the connection as the network does. What is under way is lost.
func (v *visitor) cut() {
	v.setDeaf()
	v.link.end()
}

func (l *link) end() {
	_ = l.conn.CloseNow()
	<-l.ended
}

func (v *visitor) setDeaf() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.link.deaf = true
}

// back comes back, and must go on with the session.
func (v *visitor) back(at *server) {
	v.t.Helper()
	if !v.connect(at) {
		v.t.Fatalf("not recovered on %s", at.tag())
	}
}

// hears checks what has come since the last call, in order: it waits until nothing is missing.
func (v *visitor) hears(names ...string) {
	v.t.Helper()
	want := make([]string, len(names))
	for i, name := range names {
		want[i] = string(event(name))
		if strings.HasPrefix(name, "<") {
			want[i] = name
		}
	}
	deadline := time.After(patience)
	for {
		v.mu.Lock()
		got, more := slices.Clone(v.got), v.more
		v.mu.Unlock()
		if len(got) >= len(want) {
			v.mu.Lock()
			v.got = v.got[len(got):]
			v.mu.Unlock()
			if !slices.Equal(got, want) {
				v.t.Errorf("client got %.2000q, want %.2000q", got, want)
			}
			return
		}
		select {
		case <-more:
		case <-deadline:
			v.t.Fatalf("client got %.2000q only, want %.2000q", got, want)
		}
	}
}
