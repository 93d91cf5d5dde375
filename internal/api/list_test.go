package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

func TestSocketsOfAllNodesArePaged(t *testing.T) {
	w := start(t, nil)
	var want []string
	for i := range 5 {
		want = append(want, w.connect(i%2, "/", "", "red", "user:ann").id)
	}
	w.connect(0, "/", "", "blue")
	slices.Sort(want)
	var got []string
	after, pages := "", 0
	for {
		var page socketPage
		r := w.get("sockets?room=red&limit=2&after=" + after)
		if err := json.Unmarshal(r.body, &page); err != nil || r.status != http.StatusOK {
			t.Fatalf("%d %s", r.status, r.body)
		}
		if !page.Complete || page.Total != 5 || len(page.Sockets) > 2 {
			t.Errorf("%s", r.body)
		}
		for _, s := range page.Sockets {
			got = append(got, s.ID)
			if s.User != "ann" || !slices.Equal(s.Rooms, []string{"red"}) {
				t.Errorf("%+v", s)
			}
		}
		pages++
		if after = page.Next; after == "" {
			break
		}
	}
	if !slices.Equal(got, want) || pages != 3 {
		t.Errorf("%q on %d pages, want %q", got, pages, want)
	}
	for query, n := range map[string]int{
		"all=true": 6, "user=ann": 5, "user=bob": 0, "room=red&room=blue": 6, "socket=" + want[0]: 1, "namespace=/shop&all=true": 0,
	} {
		var page socketPage
		r := w.get("sockets?" + query)
		if err := json.Unmarshal(r.body, &page); err != nil || page.Total != n || len(page.Sockets) != n {
			t.Errorf("%s: %s, want %d", query, r.body, n)
		}
	}
}

func TestRoomsOfAllNodesAreSummedAndPaged(t *testing.T) {
	w := start(t, nil)
	for i := range 3 {
		for node := range 2 {
			w.connect(node, "/", "", "both", fmt.Sprintf("room %d", i), fmt.Sprintf("only %d", node))
		}
	}
	want := []roomEntry{{"both", 6}, {"only 0", 3}, {"only 1", 3}, {"room 0", 2}, {"room 1", 2}, {"room 2", 2}}
	for limit := 1; limit <= 7; limit++ {
		var got []roomEntry
		after := ""
		for {
			var page roomPage
			r := w.get(fmt.Sprintf("rooms?limit=%d&after=%s", limit, url.QueryEscape(after)))
			if err := json.Unmarshal(r.body, &page); err != nil || r.status != http.StatusOK || !page.Complete || page.Nodes != nil {
				t.Fatalf("%d %s", r.status, r.body)
			}
			got = append(got, page.Rooms...)
			if after = page.Next; after == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("by %d: %v, want %v", limit, got, want)
		}
	}
}

// A node that gives nonsense makes the list incomplete, not wrong.
func TestNonsenseOfAnotherNodeIsNotCounted(t *testing.T) {
	w := start(t, nil)
	var answer any
	w.nodes[0].Of("/raw")
	asked := make(chan struct{}, 100)
	w.nodes[1].Of("/raw").OnServerSide(roomsQuestion, func(e *socketio.ServerSideEvent) {
		select {
		case asked <- struct{}{}:
		default:
		}
		_ = e.Ack(answer)
	})
	for reached := false; !reached; { // the namespace is opened on both nodes in their own time
		w.get("rooms?namespace=/raw")
		select {
		case <-asked:
			reached = true
		case <-time.After(time.Millisecond):
		}
	}
	for _, nonsense := range map[string]any{
		"no list":       "red",
		"nothing":       nil,
		"negative":      []roomEntry{{"red", -1}},
		"not asked for": []roomEntry{{"blue", 1}},
		"too many":      slices.Repeat([]roomEntry{{"red", 1}}, 200),
	} {
		answer = nonsense
		w.get("rooms?namespace=/raw&after=c").is(http.StatusOK, `{"rooms":[],"complete":false}`)
	}
	answer = []roomEntry{{"red", 2}}
	w.get("rooms?namespace=/raw&after=c").is(http.StatusOK, `{"rooms":[{"name":"red","sockets":2}],"complete":true}`)
}

func TestListsThatAreNotCompleteSaySo(t *testing.T) {
	w := start(t, nil)
	c := w.connect(0, "/", "", "red")
	for _, tt := range []struct {
		err   error
		nodes string
	}{
		{&socketio.PartialError{Answered: 2, Expected: 4, Err: errBroken}, `{"answered":3,"expected":5}`},
		{errBroken, `{"answered":1,"expected":2}`}, // of the nodes that are known
	} {
		w.adapter.fail(tt.err)
		w.get("rooms").is(http.StatusOK, `{"rooms":[{"name":"red","sockets":1}],"complete":false,"nodes":`+tt.nodes+`}`)
		w.get("sockets?room=red").is(http.StatusOK, `{"sockets":[{"id":"`+c.id+`","rooms":["red"]}],"total":1,"complete":false,"nodes":`+tt.nodes+`}`)
	}
}

func TestNodesAreListed(t *testing.T) {
	w := start(t, nil)
	var got nodeList
	r := w.get("nodes")
	if err := json.Unmarshal(r.body, &got); err != nil || r.status != http.StatusOK || !slices.Equal(got.Nodes, w.Nodes()) || got.Away != "" {
		t.Errorf("%d %s", r.status, r.body)
	}
	why := "Redis is away"
	w.away.Store(&why)
	if r := w.get("nodes"); json.Unmarshal(r.body, &got) != nil || got.Away != why {
		t.Errorf("%d %s", r.status, r.body)
	}
}
