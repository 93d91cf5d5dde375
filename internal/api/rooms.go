package api

import (
	"context"
	"maps"
	"slices"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// roomsQuestion is the event with which nodes ask each other for rooms: its argument is a
// roomsAsked, and the answer's a list of roomEntry. A program of another kind may answer it
// as well.
const roomsQuestion = "gateway:rooms"

// roomsAsked asks for the first rooms that come after one, by their names.
type roomsAsked struct {
	After string `json:"after"`
	Limit int    `json:"limit"`
}

// roomEntry is a room with the number of its sockets.
type roomEntry struct {
	Name    string `json:"name"`
	Sockets int    `json:"sockets"`
}

// roomPage is a part of the list of rooms, by their names.
type roomPage struct {
	Rooms    []roomEntry `json:"rooms"`
	Next     string      `json:"next,omitempty"`
	Complete bool        `json:"complete"`
	Nodes    *nodes      `json:"nodes,omitempty"`
}

// listRooms counts the sockets in rooms, over all nodes. Each node gives as many rooms as are
// wanted: whichever are the first of all of them are then among the first of each
// node that has them, so that their sums are exact however many others there are.
func listRooms(c *call) (any, *problem) {
	q := c.query()
	namespace := q.namespace()
	after, limit := q.page()
	if p := q.end(); p != nil {
		return nil, p
	}
	var out roomPage
	p := c.open(namespace, func(n *socketio.Namespace) *problem {
		ctx, cancel := context.WithTimeout(c.ctx, askTime)
		defer cancel()
		ask := roomsAsked{after, limit + 1} // one more tells whether there is another page
		replies, err := n.ServerSideEmitWithAck(ctx, roomsQuestion, ask)
		out.Complete, out.Nodes = err == nil, c.answered(err)
		sums := map[string]int{}
		for _, r := range n.LocalRooms(after, ask.Limit) {
			sums[r.Name] = r.Sockets
		}
		for _, r := range replies {
			out.Complete = add(sums, r, ask) && out.Complete
		}
		out.take(sums, limit)
		return nil
	})
	if p != nil {
		return nil, p
	}
	return out, nil
}

// add adds what another node has answered, if it makes sense.
func add(sums map[string]int, r socketio.Reply, asked roomsAsked) bool {
	var rooms []roomEntry
	if r.Bind(&rooms) != nil || rooms == nil || len(rooms) > asked.Limit {
		return false
	}
	for _, e := range rooms {
		if e.Name <= asked.After || e.Sockets < 0 {
			return false
		}
	}
	for _, e := range rooms {
		sums[e.Name] += e.Sockets
	}
	return true
}

func (out *roomPage) take(sums map[string]int, limit int) {
	names := slices.Sorted(maps.Keys(sums))
	if len(names) > limit {
		names = names[:limit]
		out.Next = names[limit-1]
	}
	out.Rooms = make([]roomEntry, len(names))
	for i, name := range names {
		out.Rooms[i] = roomEntry{name, sums[name]}
	}
}

// Namespace is one namespace, or all that a pattern opens.
type Namespace interface {
	OnServerSide(event string, f func(*socketio.ServerSideEvent))
}

// Answer has a namespace answer the questions of other nodes' APIs. A node needs no
// API of its own for that.
func Answer(ns Namespace) {
	ns.OnServerSide(roomsQuestion, func(e *socketio.ServerSideEvent) {
		var asked roomsAsked
		if e.Bind(&asked) != nil || asked.Limit < 1 || asked.Limit > maxLimit+1 {
			_ = e.Ack(nil) // which is no list: the asker's result is not complete
			return
		}
		local := e.Namespace().LocalRooms(asked.After, asked.Limit)
		rooms := make([]roomEntry, len(local))
		for i, r := range local {
			rooms[i] = roomEntry(r)
		}
		_ = e.Ack(rooms) // strings and numbers always have a JSON
	})
}
