package socketio

import (
	"cmp"
	"context"
	"errors"
	"slices"
)

// With calls f with the namespace of that name, if a client without an auth object would
// find one: it is open already, or a pattern or a function opens it. It stays open until f
// returns. With an adapter, With first waits until this node hears the namespace, so that
// questions can be asked in it.
//
// Unlike Of it does not keep the namespace for ever, and serves clients no namespace that
// they could not ask for. The error is f's, ErrUnknownNamespace, ErrTooManyNamespaces,
// or the adapter's.
func (s *Server) With(ctx context.Context, name string, f func(*Namespace) error) error {
	n, err := s.enter(name, nil)
	switch {
	case errors.Is(err, errNamespacesFull):
		return ErrTooManyNamespaces
	case err != nil:
		return ErrUnknownNamespace
	}
	defer s.leave(n)
	if err := s.openLink(ctx, n); err != nil {
		return err
	}
	return f(n)
}

// RoomSize is a room with its members.
type RoomSize struct {
	Name    string
	Sockets int
}

// LocalRooms returns the rooms that sockets of this node are in, in the order of their
// names: the first limit of those that come after a name; an empty one is before all.
// Rooms that are named by the ids of single sockets are left out. It takes a time that
// grows with the number of all rooms.
func (n *Namespace) LocalRooms(after string, limit int) []RoomSize {
	found := n.rooms.after(after)
	slices.SortFunc(found, func(a, b RoomSize) int { return cmp.Compare(a.Name, b.Name) })
	return slices.Clone(found[:min(limit, len(found))])
}

// after returns the rooms with a member whose names come after name, in no order.
func (x *roomIndex) after(name string) (found []RoomSize) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, r := range x.rooms {
		if r.name > name && len(r.members) > 0 && x.byID[r.name] == nil {
			found = append(found, RoomSize{r.name, len(r.members)})
		}
	}
	return found
}
