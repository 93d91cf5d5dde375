package socketio

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// RemoteSocket is a socket of this or of another node, as it was when it was
// fetched. What is done to it reaches it wherever it is.
type RemoteSocket struct {
	ns    *Namespace
	info  SocketInfo
	local *Socket // if it is of this node; its handshake is not in info
}

// ID returns the socket's id.
func (r *RemoteSocket) ID() string { return r.info.ID }

// Rooms returns the rooms that it was in, its own id included.
func (r *RemoteSocket) Rooms() []string { return r.info.Rooms }

// Data returns what SetData has kept with it, as JSON; null if nothing.
func (r *RemoteSocket) Data() json.RawMessage { return r.info.Data }

// Handshake returns its handshake as JSON, in the reference's form.
func (r *RemoteSocket) Handshake() json.RawMessage {
	if r.local != nil {
		return r.local.handshake.json()
	}
	return r.info.Handshake
}

func (r *RemoteSocket) self() Emitter { return Emitter{ns: r.ns, rooms: []string{r.info.ID}} }

// Emit sends an event to it.
func (r *RemoteSocket) Emit(event string, args ...any) error { return r.self().Emit(event, args...) }

// EmitWithAck sends an event to it, and waits for its ack as Emitter.EmitWithAck
// does. ErrDisconnected says that no such socket was found.
func (r *RemoteSocket) EmitWithAck(ctx context.Context, event string, args ...any) (Reply, error) {
	replies, err := r.self().EmitWithAck(ctx, event, args...)
	if len(replies) > 0 {
		return replies[0], nil
	}
	if err == nil {
		err = ErrDisconnected
	}
	return Reply{}, err
}

// Join makes it a member of rooms.
func (r *RemoteSocket) Join(ctx context.Context, rooms ...string) error {
	return r.self().SocketsJoin(ctx, rooms...)
}

// Leave ends its membership in rooms.
func (r *RemoteSocket) Leave(ctx context.Context, rooms ...string) error {
	return r.self().SocketsLeave(ctx, rooms...)
}

// Disconnect ends it, like Socket.Disconnect.
func (r *RemoteSocket) Disconnect(ctx context.Context, closeConnection bool) error {
	return r.self().DisconnectSockets(ctx, closeConnection)
}

// FetchSockets returns the sockets that are addressed, of all nodes if the adapter
// is a ClusterAdapter. With an error it returns those that have come; a *PartialError
// says how many nodes did not answer.
func (e Emitter) FetchSockets(ctx context.Context) ([]*RemoteSocket, error) {
	var found []*RemoteSocket
	for _, s := range e.ns.local(e.target()) {
		found = append(found, &RemoteSocket{e.ns, s.info(), s})
	}
	cluster := e.ns.server.cluster
	if cluster == nil || e.local {
		return found, nil
	}
	ctx, cancel := e.withTimeout(ctx)
	defer cancel()
	others, err := cluster.FetchSockets(ctx, e.target())
	for _, info := range others {
		found = append(found, &RemoteSocket{e.ns, info, nil})
	}
	return found, err
}

// SocketsJoin makes the sockets that are addressed members of rooms. Those of this
// node are when it returns; other nodes are told, and don't confirm. With ErrBadRoom
// nothing has happened. Any other error is the adapter's, which may not have told the
// other nodes, or says how many sockets of this node have not joined, and why the first
// has not.
func (e Emitter) SocketsJoin(ctx context.Context, rooms ...string) error {
	if err := e.ns.server.checkRooms(rooms); err != nil {
		return err
	}
	return e.change(ctx, &Change{Kind: ChangeJoin, ChangeRooms: rooms})
}

// SocketsLeave ends the membership in rooms of the sockets that are addressed.
func (e Emitter) SocketsLeave(ctx context.Context, rooms ...string) error {
	return e.change(ctx, &Change{Kind: ChangeLeave, ChangeRooms: rooms})
}

// DisconnectSockets ends the sockets that are addressed, like Socket.Disconnect.
func (e Emitter) DisconnectSockets(ctx context.Context, closeConnections bool) error {
	return e.change(ctx, &Change{Kind: ChangeDisconnect, Close: closeConnections})
}

func (e Emitter) change(ctx context.Context, c *Change) error {
	c.Target = e.target()
	var remote error
	if cluster := e.ns.server.cluster; cluster != nil && !e.local {
		c.Confirm = e.confirm
		remote = cluster.Change(ctx, c)
	} else {
		confirm(e.confirm)
	}
	return errors.Join(remote, e.ns.apply(ctx, c))
}

// apply changes this node's sockets. A socket that ends meanwhile is no error.
func (n *Namespace) apply(ctx context.Context, c *Change) error {
	sockets, failed := n.local(c.Target), 0
	var first error
	for _, s := range sockets {
		var err error
		switch c.Kind {
		case ChangeJoin:
			err = s.Join(ctx, c.ChangeRooms...)
		case ChangeLeave:
			err = s.Leave(ctx, c.ChangeRooms...)
		case ChangeDisconnect:
			s.Disconnect(c.Close)
		}
		if err != nil && !errors.Is(err, ErrDisconnected) {
			failed++
			first = cmp.Or(first, err)
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d sockets: %w", failed, len(sockets), first)
	}
	return nil
}

func (e Emitter) target() Target { return Target{e.ns.name, e.rooms, e.except} }

// local returns this node's sockets that t addresses.
func (n *Namespace) local(t Target) []*Socket {
	a := n.rooms.members(t.Rooms, t.Except)
	defer a.release()
	sockets := make([]*Socket, 0, len(a.sockets))
	for _, s := range a.sockets {
		if s.Connected() {
			sockets = append(sockets, s)
		}
	}
	return sockets
}

// info describes the socket, but for its handshake, which is long and seldom
// wanted. A value of SetData that has no JSON is shown as null.
func (s *Socket) info() SocketInfo {
	data, err := json.Marshal(s.Data())
	if err != nil {
		data = []byte("null")
	}
	return SocketInfo{ID: s.id, Rooms: s.Rooms(), Data: data}
}

// json returns the handshake in the reference's form (protocol.md 3.2).
func (h *Handshake) json() json.RawMessage {
	text, err := json.Marshal(struct {
		Headers map[string]string `json:"headers"`
		Time    string            `json:"time"`
		Address string            `json:"address"`
		XDomain bool              `json:"xdomain"`
		Secure  bool              `json:"secure"`
		Issued  int64             `json:"issued"`
		URL     string            `json:"url"`
		Query   map[string]string `json:"query"`
		Auth    json.RawMessage   `json:"auth"`
	}{nodeHeaders(h.Headers()), h.Time(), h.Address(), h.CrossOrigin(), h.Secure(), h.Issued().UnixMilli(), h.URL(), lastValues(h.Query()), h.authOrEmpty()})
	if err != nil {
		return json.RawMessage("{}") // can't be: the auth object was checked when it came
	}
	return text
}

func (h *Handshake) authOrEmpty() json.RawMessage {
	if h.auth == nil {
		return json.RawMessage("{}")
	}
	return h.auth
}

// nodeHeaders joins repeated headers and writes their names as Node does.
func nodeHeaders(h map[string][]string) map[string]string {
	m := make(map[string]string, len(h))
	for name, values := range h {
		m[strings.ToLower(name)] = strings.Join(values, ", ")
	}
	return m
}

func lastValues(q url.Values) map[string]string {
	m := make(map[string]string, len(q))
	for name, values := range q {
		if len(values) > 0 {
			m[name] = values[len(values)-1]
		}
	}
	return m
}
