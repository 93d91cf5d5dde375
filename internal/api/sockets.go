package api

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// socketPage is a part of a list of sockets, by their ids.
type socketPage struct {
	Sockets  []socketEntry `json:"sockets"`
	Total    int           `json:"total"`          // of all pages
	Next     string        `json:"next,omitempty"` // what to give as after for the next page
	Complete bool          `json:"complete"`
	Nodes    *nodes        `json:"nodes,omitempty"`
}

// socketEntry is a socket of any node. Its handshake is left out: it may hold tokens.
type socketEntry struct {
	ID    string   `json:"id"`
	User  string   `json:"user,omitempty"`
	Rooms []string `json:"rooms"` // without its own and its user's
}

// listSockets asks all nodes for the sockets of a target.
func listSockets(c *call) (any, *problem) {
	q := c.query()
	t := q.target()
	after, limit := q.page()
	if p := q.end(); p != nil {
		return nil, p
	}
	var out socketPage
	p := c.open(t.namespace, func(n *socketio.Namespace) *problem {
		ctx, cancel := context.WithTimeout(c.ctx, askTime)
		defer cancel()
		found, err := t.in(n).FetchSockets(ctx)
		out.Complete, out.Nodes = err == nil, c.answered(err)
		out.take(found, after, limit)
		return nil
	})
	if p != nil {
		return nil, p
	}
	return out, nil
}

func (out *socketPage) take(found []*socketio.RemoteSocket, after string, limit int) {
	out.Total = len(found)
	found = slices.DeleteFunc(found, func(s *socketio.RemoteSocket) bool { return s.ID() <= after })
	slices.SortFunc(found, func(a, b *socketio.RemoteSocket) int { return cmp.Compare(a.ID(), b.ID()) })
	if len(found) > limit {
		found = found[:limit]
		out.Next = found[limit-1].ID()
	}
	out.Sockets = make([]socketEntry, len(found))
	for i, s := range found {
		out.Sockets[i] = entryOf(s)
	}
}

func entryOf(s *socketio.RemoteSocket) socketEntry {
	e := socketEntry{ID: s.ID(), Rooms: []string{}}
	for _, room := range s.Rooms() {
		user, ok := strings.CutPrefix(room, userRoom)
		switch {
		case ok:
			e.User = user
		case room != e.ID:
			e.Rooms = append(e.Rooms, room)
		}
	}
	slices.Sort(e.Rooms)
	return e
}
