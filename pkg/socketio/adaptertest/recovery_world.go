package adaptertest

import (
	"context"
	"fmt"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// recoveryWorld is a cluster of servers with clients that can come back.
type recoveryWorld struct {
	*testing.T
	servers  []*server
	visitors []*visitor
	watchers []*visitor // one of each server, for settle
	markers  int
}

// server is a node with its HTTP server.
type server struct {
	*socketio.Server
	url     string
	adapter *mortal

	mu sync.Mutex
	// Guarded by mu.
	sockets map[string]*socketio.Socket // by id, as OnConnect had them
	more    chan struct{}               // replaced with each
}

// connected returns the socket of a client that has been told that it is connected: the server
// takes note of it a little later.
func (s *server) connected(v *visitor) *socketio.Socket {
	v.t.Helper()
	deadline := time.After(patience)
	for {
		s.mu.Lock()
		socket, more := s.sockets[v.sid], s.more
		s.mu.Unlock()
		if socket != nil && socket.Connected() {
			return socket
		}
		select {
		case <-more:
		case <-deadline:
			v.t.Fatalf("%s: no socket %s", s.tag(), v.sid)
		}
	}
}

func (s *server) note(socket *socketio.Socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sockets[socket.ID()] = socket
	close(s.more)
	s.more = make(chan struct{})
}

func (s *server) tag() string { return s.Tag() }

// mortal is an adapter whose node can be killed: it says nothing about its sessions then.
type mortal struct {
	socketio.ClusterAdapter
	socketio.History
	dead atomic.Bool
}

func (m *mortal) PrivateRooms() bool {
	a, ok := m.ClusterAdapter.(socketio.PrivateRoomsAdapter)
	return ok && a.PrivateRooms()
}

func (m *mortal) Save(ctx context.Context, s *socketio.SavedSession) (socketio.Offset, error) {
	if m.dead.Load() {
		return socketio.Offset{}, context.Canceled
	}
	return m.History.Save(ctx, s)
}

func (m *mortal) Keep(ctx context.Context, list []*socketio.SavedSession) ([]*socketio.SavedSession, error) {
	if m.dead.Load() {
		return nil, context.Canceled
	}
	return m.History.Keep(ctx, list)
}

func (m *mortal) Release(ctx context.Context, s *socketio.SavedSession, mayReturn bool) error {
	if m.dead.Load() {
		return context.Canceled
	}
	return m.History.Release(ctx, s, mayReturn)
}

func newRecoveryWorld(t *testing.T, adapters []socketio.Adapter) *recoveryWorld {
	t.Helper()
	w := &recoveryWorld{T: t}
	run := make([]func(ctx context.Context) error, len(adapters))
	for i, a := range adapters {
		cluster, isCluster := a.(socketio.ClusterAdapter)
		history, isHistory := a.(socketio.HistoryAdapter)
		if !isCluster || !isHistory {
			t.Fatalf("%T is no HistoryAdapter and ClusterAdapter", a)
		}
		w.servers = append(w.servers, newRecoveryServer(t, i, &mortal{ClusterAdapter: cluster, History: history}))
		run[i] = w.servers[i].Run
	}
	runAll(t, run)
	t.Cleanup(w.close) // before the adapters end
	return w
}

// small bounds what is replayed, so that more than that is quickly emitted.
const small = 500

func newRecoveryServer(t *testing.T, i int, a *mortal) *server {
	t.Helper()
	cfg := socketio.Config{Adapter: a, Recovery: func(string) socketio.Recovery {
		return socketio.Recovery{Window: 2 * time.Minute, MaxEvents: small}
	}}
	cfg.Engine.NodeTag = fmt.Sprintf("re%02d", i)
	s, err := socketio.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s.Use(func(s *socketio.Socket) error {
		var auth struct{ User string }
		_ = s.Handshake().BindAuth(&auth)
		s.SetUser(auth.User)
		return nil
	})
	http := httptest.NewServer(s)
	t.Cleanup(http.Close)
	n := &server{Server: s, url: http.URL, adapter: a, sockets: make(map[string]*socketio.Socket), more: make(chan struct{})}
	s.OnConnect(n.note)
	return n
}

func (w *recoveryWorld) close() {
	for _, v := range w.visitors {
		v.cut()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, s := range w.servers {
		if err := s.Close(ctx); err != nil {
			w.Errorf("%s: %v", s.tag(), err)
		}
	}
}

// emit emits, and waits until the history has it.
func (w *recoveryWorld) emit(e socketio.Emitter, name string, args ...any) {
	w.Helper()
	told := make(chan error, 1)
	if err := e.Confirm(func(err error) { told <- err }).Emit(name, args...); err != nil {
		w.Fatal(err)
	}
	select {
	case err := <-told:
		if err != nil {
			w.Fatal(err)
		}
	case <-time.After(patience):
		w.Fatal("an emit is not confirmed")
	}
}

// to addresses rooms from a node.
func (s *server) to(rooms ...string) socketio.Emitter { return s.To(rooms...) }

// settle returns when all that has been emitted has arrived on every node. A leave that follows is
// behind it then.
func (w *recoveryWorld) settle() {
	w.Helper()
	if w.watchers == nil {
		for _, s := range w.servers {
			v := w.visitor(s)
			v.join("watchers of all")
			w.watchers = append(w.watchers, v)
		}
	}
	w.markers++
	name := fmt.Sprint("marker ", w.markers)
	w.emit(w.servers[0].to("watchers of all"), name)
	for _, v := range w.watchers {
		v.until(string(event(name)), 0)
	}
}

func (v *visitor) join(rooms ...string) {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := v.at.connected(v).Join(ctx, rooms...); err != nil {
		v.t.Fatal(err)
	}
}

func (v *visitor) leave(rooms ...string) {
	v.t.Helper()
	if err := v.at.connected(v).Leave(context.Background(), rooms...); err != nil {
		v.t.Fatal(err)
	}
}

// kill has a node end as by SIGKILL, as far as others can tell.
func (s *server) kill(visitors ...*visitor) {
	s.adapter.dead.Store(true)
	for _, v := range visitors {
		v.cut()
	}
}
