package adaptertest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// clusterNode is a node that answers questions. Its sockets acknowledge what they
// get at once, with their id.
type clusterNode struct{ *node }

func (n clusterNode) DeliverWithAck(_ context.Context, b *socketio.Broadcast, acked func(socketio.Ack)) (int, error) {
	n.mu.Lock()
	sockets := n.addressed(socketio.Target{Namespace: b.Namespace, Rooms: b.Rooms, Except: b.Except})
	for _, s := range sockets {
		s.take(describe(b))
	}
	n.mu.Unlock()
	if string(b.Data) == `["silence"]` {
		return len(sockets), nil
	}
	for _, s := range sockets {
		acked(socketio.Ack{Data: fmt.Appendf(nil, "[%q]", s.id)})
	}
	return len(sockets), nil
}

func (n clusterNode) Sockets(t socketio.Target) (infos []socketio.SocketInfo, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.addressed(t) {
		infos = append(infos, socketio.SocketInfo{
			ID: s.id, Rooms: append([]string{s.id}, s.rooms...),
			Handshake: json.RawMessage(`{"address":"127.0.0.1"}`), Data: json.RawMessage(`{"name":"Ann"}`),
		})
	}
	return infos, nil
}

func (n clusterNode) Change(c *socketio.Change) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.addressed(c.Target) {
		s.take(fmt.Sprintf("change %d %q %v", c.Kind, c.ChangeRooms, c.Close))
	}
	return nil
}

func (n clusterNode) ServerEvent(e *socketio.ServerEvent, reply func(socketio.Ack)) error {
	n.mu.Lock()
	for _, s := range n.addressed(socketio.Target{Namespace: e.Namespace}) {
		s.take("server " + string(e.Data))
	}
	n.mu.Unlock()
	if reply != nil {
		reply(socketio.Ack{Data: fmt.Appendf(nil, "[%q]", n.tag)})
	}
	return nil
}

// answers collects acks.
type answers struct {
	mu   sync.Mutex
	list []string
}

func (a *answers) take(ack socketio.Ack) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, string(ack.Data))
}

func (a *answers) are(w *world, want ...string) {
	w.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	slices.Sort(a.list)
	for i, id := range want {
		want[i] = fmt.Sprintf("[%q]", id)
	}
	if !slices.Equal(a.list, want) {
		w.Errorf("answers are %q, want %q", a.list, want)
	}
}

// questions is for adapters that carry them; the others promise nothing here.
func questions(w *world) {
	cluster, ok := w.nodes[0].adapter.(socketio.ClusterAdapter)
	if !ok {
		return
	}
	sockets := w.everywhere("red")
	last := w.nodes[2].socket("/")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()

	found, err := cluster.FetchSockets(ctx, socketio.Target{Namespace: "/", Rooms: []string{"red"}, Except: []string{sockets[2].id}})
	if err != nil || len(found) != 1 || found[0].ID != sockets[1].id || !slices.Equal(found[0].Rooms, []string{sockets[1].id, "red"}) ||
		string(found[0].Data) != `{"name":"Ann"}` || string(found[0].Handshake) != `{"address":"127.0.0.1"}` {
		w.Errorf("found %+v, %v", found, err)
	}

	var acks answers
	delivered := 0
	b := &socketio.Broadcast{Namespace: "/", Data: event("ask"), Rooms: []string{"red"}}
	if err := cluster.BroadcastWithAck(ctx, b, func() { delivered++ }, acks.take); err != nil || delivered != 1 {
		w.Errorf("broadcast with acks: %v, delivered %d times", err, delivered)
	}
	acks.are(w, sockets[1].id, sockets[2].id)

	var silent answers
	short, stop := context.WithCancel(ctx)
	stop()
	b = &socketio.Broadcast{Namespace: "/", Data: event("silence")}
	if err := cluster.BroadcastWithAck(short, b, func() {}, silent.take); err == nil {
		w.Error("a broadcast that nobody acknowledges ended without error")
	}

	change := &socketio.Change{Target: socketio.Target{Namespace: "/", Except: []string{"red"}}, Kind: socketio.ChangeJoin, ChangeRooms: []string{"green"}}
	if err := cluster.Change(ctx, change); err != nil {
		w.Error(err)
	}
	last.await(`change 0 ["green"] false`)

	var replies answers
	e := &socketio.ServerEvent{Namespace: "/", Data: []byte(`["hello",1]`)}
	if err := cluster.ServerSideEmit(ctx, e, replies.take); err != nil {
		w.Error(err)
	}
	replies.are(w, w.nodes[1].tag, w.nodes[2].tag)
	if err := cluster.ServerSideEmit(ctx, e, nil); err != nil {
		w.Error(err)
	}
	sockets[1].await(`server ["hello",1]`)
	sockets[1].await(`server ["hello",1]`)
}
