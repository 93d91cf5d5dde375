package redis

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"testing"
)

// remote is a socket as both kinds of servers show it.
type remote struct {
	ID        string
	Rooms     []string
	Handshake map[string]any
	Data      map[string]any
}

// fetch asks a server for the sockets in a room of the main namespace, or all.
func (p *peer) fetch(t *testing.T, room string) (found []remote) {
	t.Helper()
	if p.node != nil {
		p.node.do(&found, `const all = await io%s.fetchSockets();
			return all.map((s) => ({id: s.id, rooms: [...s.rooms], handshake: JSON.parse(JSON.stringify(s.handshake)), data: s.data}))`, in(room))
	} else {
		e := p.ours.io.Of("/").Except("nothing")
		if room != "" {
			e = e.In(room)
		}
		sockets, err := e.FetchSockets(t.Context())
		if err != nil {
			t.Fatalf("fetch from %s: %v", p.name, err)
		}
		for _, s := range sockets {
			r := remote{ID: s.ID(), Rooms: s.Rooms()}
			if json.Unmarshal(s.Handshake(), &r.Handshake) != nil || json.Unmarshal(s.Data(), &r.Data) != nil {
				t.Errorf("%s: handshake %s, data %s", p.name, s.Handshake(), s.Data())
			}
			found = append(found, r)
		}
	}
	for _, r := range found {
		sort.Strings(r.Rooms)
	}
	sort.Slice(found, func(i, k int) bool { return found[i].ID < found[k].ID })
	return found
}

func in(room string) string {
	if room == "" {
		return ""
	}
	return fmt.Sprintf(".in(%q)", room)
}

// Every server sees all sockets, with the same rooms, handshake and data.
func TestMixedClusterFetchesSockets(t *testing.T) { onEachLayout(t, bothLayouts, (*mixed).fetches) }

func (w *mixed) fetches() {
	want := w.peers[0].fetch(w.T, "")
	if len(want) != 6 {
		w.Fatalf("%s sees %d sockets", w.peers[0].name, len(want))
	}
	for _, p := range w.peers {
		got := p.fetch(w.T, "")
		for i := range min(len(got), len(want)) {
			w.sameSocket(p.name, got[i], want[i])
		}
		if len(got) != len(want) {
			w.Errorf("%s sees %d sockets", p.name, len(got))
		}
		if red := p.fetch(w.T, "red"); len(red) != 3 {
			w.Errorf("%s sees %d sockets in red", p.name, len(red))
		}
		if none := p.fetch(w.T, "nobody"); len(none) != 0 {
			w.Errorf("%s sees %d sockets in an empty room", p.name, len(none))
		}
	}
	for _, p := range w.peers {
		if w.mode != "" {
			continue // the sharded adapter has no such question
		}
		if p.node == nil {
			w.seesAllRooms(p)
			continue
		}
		var rooms []string
		p.node.do(&rooms, `return io.of("/").adapter.allRooms()`)
		w.allRooms(p.name, rooms)
	}
}

// handshakeKeys are the entries that programs on official nodes know.
var handshakeKeys = []string{"address", "auth", "headers", "issued", "query", "secure", "time", "url", "xdomain"}

func (w *mixed) sameSocket(from string, got, want remote) {
	w.Helper()
	w.checked++
	var keys []string
	for key := range got.Handshake {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	auth, _ := got.Handshake["auth"].(map[string]any)
	name, _ := auth["name"].(string)
	query, _ := got.Handshake["query"].(map[string]any)
	switch {
	case got.ID != want.ID || w.ids[name] != got.ID:
		w.Errorf("%s: socket %s of client %q, want %s", from, got.ID, name, want.ID)
	case !slices.Equal(got.Rooms, want.Rooms) || !slices.Contains(got.Rooms, got.ID) || len(got.Rooms) != 3:
		w.Errorf("%s: rooms %q, want %q", from, got.Rooms, want.Rooms)
	case got.Data["name"] != name || got.Data["n"] != 1.0:
		w.Errorf("%s: data %v", from, got.Data)
	case !slices.Equal(keys, handshakeKeys):
		w.Errorf("%s: handshake has %q", from, keys)
	case query["EIO"] != "4" || got.Handshake["issued"].(float64) < 1e12 || got.Handshake["secure"] != false:
		w.Errorf("%s: handshake %v", from, got.Handshake)
	}
	a, _ := json.Marshal(got.Handshake)
	b, _ := json.Marshal(want.Handshake)
	if string(a) != string(b) {
		w.Errorf("%s: handshake\n %s, elsewhere\n %s", from, a, b)
	}
}

func (w *mixed) seesAllRooms(p *peer) {
	w.Helper()
	classic := p.ours.adapter.(*Adapter)
	rooms, err := classic.AllRooms(w.Context(), "/")
	if err != nil {
		w.Error(err)
	}
	for _, s := range p.fetch(w.T, "") { // it asks the others only
		rooms = append(rooms, s.Rooms...)
	}
	slices.Sort(rooms)
	w.allRooms(p.name, slices.Compact(rooms))
	ids, err := classic.SocketIDs(w.Context(), "/", "red")
	if w.checked++; err != nil || len(ids) != 2 {
		w.Errorf("%s: socket ids %q, %v", p.name, ids, err)
	}
}

func (w *mixed) allRooms(from string, got []string) {
	w.Helper()
	want := []string{"all", "red", "blue"}
	for name, id := range w.ids {
		if !strings.HasPrefix(name, "chat") {
			want = append(want, id)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if w.checked++; !slices.Equal(got, want) {
		w.Errorf("%s: all rooms are %q, want %q", from, got, want)
	}
}
