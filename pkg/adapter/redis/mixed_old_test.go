package redis

import (
	"slices"
	"strings"
	"testing"

	"github.com/causeway-rt/causeway/internal/redistest"
)

// The adapter before version 8 asks for ids, and changes one socket at a time: it waits
// for the node that has it. It answers what it is asked as the newer ones do.
func TestNodeWithOldAdapterIsServed(t *testing.T) {
	w := startMixed(t, layout{kinds: "ogg"}, redistest.Start(t))
	old := w.peers[0].node
	for _, row := range []struct{ room, want string }{{"", everybody}, {"red", "0a 1a 2a"}} {
		code := `return [...await io.allSockets()]`
		if row.room != "" {
			code = `return [...await io.in("` + row.room + `").allSockets()]`
		}
		var ids []string
		old.do(&ids, "%s", code)
		w.sameClients("ids in "+row.room, ids, row.want)
	}
	var rooms []string
	old.do(&rooms, `return io.of("/").adapter.allRooms()`)
	w.allRooms("the old adapter", rooms)
	old.do(nil, "%s", w.withIDs(`const a = io.of("/").adapter;
		await a.remoteJoin("ID(1a)", "green");
		await a.remoteJoin("ID(2b)", "green");
		await a.remoteLeave("ID(1a)", "green")`))
	w.members("green", 1)
	old.do(nil, "%s", w.withIDs(`await io.of("/").adapter.remoteDisconnect("ID(2b)", true)`))
	w.isGone("2b")
	w.members("green", 0)

	for _, p := range w.peers[1:] {
		ids, err := p.ours.adapter.(*Adapter).SocketIDs(t.Context(), "/", "red")
		if err != nil || !slices.Contains(ids, w.ids["0a"]) || len(ids) != 2 {
			t.Errorf("%s: ids %q, %v", p.name, ids, err)
		}
		if got := p.fetch(t, "all"); len(got) != 5 {
			t.Errorf("%s sees %d sockets", p.name, len(got))
		}
		w.acks(p, "red", "0a 1a 2a")
	}
	w.acks(w.peers[0], "all", "0a 0b 1a 1b 2a")
	w.finish()
}

// sameClients compares ids of sockets with names of clients.
func (w *mixed) sameClients(what string, ids []string, names string) {
	w.Helper()
	var want []string
	for name, id := range w.ids {
		if slices.Contains(strings.Fields(names), name) {
			want = append(want, id)
		}
	}
	slices.Sort(ids)
	slices.Sort(want)
	if w.checked++; !slices.Equal(ids, want) {
		w.Errorf("%s: %q, want %q", what, ids, want)
	}
}
