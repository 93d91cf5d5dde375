package redis

import (
	"fmt"
	"testing"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// members waits until every server sees n sockets in a room.
func (w *mixed) members(room string, n int) {
	w.Helper()
	for _, p := range w.peers {
		found := 0
		eventually(w.T, fmt.Sprintf("%s sees %d sockets in %s", p.name, n, room), func() bool {
			found = len(p.fetch(w.T, room))
			return found == n
		})
		w.checked++
	}
}

// isGone waits until a client has been disconnected by its server.
func (w *mixed) isGone(name string) {
	w.Helper()
	var reason string
	w.clients.do(&reason, `return gone(%q)`, name)
	w.checked++
	if reason != "io server disconnect" {
		w.Errorf("client %s was disconnected: %s", name, reason)
	}
}

// What one server does to sockets happens to those of all.
func TestMixedClusterChangesSockets(t *testing.T) { onEachLayout(t, bothLayouts, (*mixed).changes) }

func (w *mixed) changes() {
	for i, p := range w.peers {
		green, lime := fmt.Sprint("green", i), fmt.Sprint("lime", i)
		p.change(w, `.in("red").except("`+w.ids["0a"]+`").socketsJoin(["`+green+`", "`+lime+`"])`, func(ns *socketio.Namespace) error {
			return ns.In("red").Except(w.ids["0a"]).SocketsJoin(w.Context(), green, lime)
		})
		w.members(green, 2)
		for _, from := range w.peers { // the room is heard as well
			if from.node != nil {
				from.node.do(nil, `io.to(%q).emit("in", %q)`, green, green)
			} else if err := from.ours.io.Of("/").To(green).Emit("in", green); err != nil {
				w.Error(err)
			}
			w.expect("the new room from "+from.name, w.mark(from.marker(w.T)), `["in","`+green+`"]`, "1a", "2a")
		}
		p.change(w, `.in("`+w.ids["1a"]+`").socketsLeave("`+green+`")`, func(ns *socketio.Namespace) error {
			return ns.In(w.ids["1a"]).SocketsLeave(w.Context(), green)
		})
		w.members(green, 1)
		w.members(lime, 2)
	}
	for i, p := range w.peers {
		doomed := fmt.Sprint("doomed", i)
		for k, from := range w.peers {
			w.connect(fmt.Sprint("x", i, k), from.url(w), doomed)
		}
		p.change(w, `.in("`+doomed+`").disconnectSockets(`+fmt.Sprint(i == 1)+`)`, func(ns *socketio.Namespace) error {
			return ns.In(doomed).DisconnectSockets(w.Context(), i == 1)
		})
		for k := range w.peers {
			w.isGone(fmt.Sprint("x", i, k))
		}
		w.members(doomed, 0)
	}
	w.members("all", 6)
}
