package redis

import (
	"encoding/hex"
	"reflect"
	"testing"

	"github.com/causeway-rt/causeway/internal/redistest"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// TestNodeServerHearsWhatIsRecorded: an official node delivers it as any other event, and the
// id does not show.
func TestNodeServerHearsWhatIsRecorded(t *testing.T) {
	withBothHistories(t, func(t *testing.T, cfg Config) {
		cfg.URL, cfg.Prefix = redistest.Start(t), redistest.Prefix(t)
		args := []string{"peer.cjs", cfg.URL, cfg.Prefix}
		if cfg.SubscriptionMode != "" {
			args = append(args, "sharded")
		}
		node := runNode(t, args...)
		var ready nodeBroadcast
		if node.hear(&ready); !ready.Ready {
			t.Fatalf("node said %+v", ready)
		}
		h := startHistorian(t, cfg, "tag0", testWindow)
		h.join("/", "", "room1")
		h.join("/chat", "")
		for _, b := range []*socketio.Broadcast{
			event("/", `["all",1,{"a":[null,true]}]`),
			event("/", `["room"]`, "room1"),
			event("/chat", `["rooms"]`, "room1", "room2"),
			{Namespace: "/", Except: []string{"x"}, Data: []byte(`["flags"]`), NoCompress: true},
			{Namespace: "/", Data: []byte(`["bytes",{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{1, 2, 3}}},
		} {
			h.mustRecord(b)
			want := nodeBroadcast{
				Namespace: b.Namespace, Data: string(b.Data), Attachments: []string{}, Rooms: append([]string{}, b.Rooms...),
				Except: append([]string{}, b.Except...), Flags: map[string]any{},
			}
			if cfg.SubscriptionMode != "" {
				want.Namespace = "" // it is not in the packet of the sharded adapter
			}
			if b.NoCompress {
				want.Flags["compress"] = false
			}
			for _, a := range b.Attachments {
				want.Attachments = append(want.Attachments, hex.EncodeToString(a))
			}
			var got nodeBroadcast
			if node.hear(&got); !reflect.DeepEqual(got, want) {
				t.Errorf("\n got %+v\nwant %+v", got, want)
			}
		}
		node.tell(`io.to("room1").emit("from node", 1)`)
		select {
		case b := <-h.node.delivered:
			if string(b.Data) != `["from node",1]` {
				t.Errorf("%+v", b)
			}
		case <-t.Context().Done():
		}
		if got := len(h.got(5)); got != 5 {
			t.Errorf("%d recorded events came back", got)
		}
	})
}
