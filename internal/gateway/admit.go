package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/causeway-rt/causeway/internal/access"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// newAccess is nil if none is configured.
func newAccess(cfg Config, log *slog.Logger) (*access.Access, error) {
	if cfg.Access == nil {
		return nil, nil
	}
	a, err := access.New(*cfg.Access, log)
	if err != nil {
		return nil, fmt.Errorf("configure access: %w", err)
	}
	return a, nil
}

// guardNamespaces opens the namespaces of the access rules, and no other. "/" is always
// there: without rules it takes nobody.
func (g *gateway) guardNamespaces() {
	root := false
	for _, name := range g.access.Namespaces() {
		ns := g.sockets.Of(name)
		ns.Use(func(s *socketio.Socket) error { return g.admit(name, s) })
		ns.OnConnect(func(s *socketio.Socket) { g.access.Enter(memberOf(s), s) })
		ns.OnDisconnect(func(s *socketio.Socket, _ socketio.Reason) { g.access.Leave(memberOf(s)) })
		g.attach(ns)
		root = root || name == "/"
	}
	if !root {
		g.sockets.Use(func(*socketio.Socket) error { return errNoSuchNamespace })
	}
}

// errNoSuchNamespace is what a client is told of a namespace that there is not.
var errNoSuchNamespace = &socketio.ConnectError{Message: "Invalid namespace"}

// refusalData goes with a CONNECT_ERROR.
type refusalData struct {
	Code string `json:"code"`
}

// admit decides whether a socket may join a namespace, and puts it into its rooms.
func (g *gateway) admit(namespace string, s *socketio.Socket) error {
	m, err := g.access.Admit(context.Background(), namespace, s.Handshake().Auth())
	if err != nil {
		var refused *access.Refusal
		if errors.As(err, &refused) {
			g.noisy.Debug("client refused", "namespace", namespace, "code", refused.Code, "reason", refused.Reason)
			err = &socketio.ConnectError{Message: refused.Error(), Data: refusalData{string(refused.Code)}}
		}
		return err
	}
	s.SetUser(m.Owner())
	// Who comes back is in its rooms, but for those that it has left.
	if rooms := m.Rooms(); len(rooms) > 0 && !s.Recovered() {
		ctx, cancel := g.relay.patience()
		defer cancel()
		if err := s.Join(ctx, rooms...); err != nil {
			code := relayCodes[joinOutcome(err)]
			return &socketio.ConnectError{Message: "The rooms of the token can't be joined", Data: refusalData{code}}
		}
	}
	if !g.users.room(s, m) {
		return errUserFull
	}
	s.SetData(m)
	return nil
}

// memberOf is what admit has made of a socket. It must have been admitted.
func memberOf(s *socketio.Socket) *access.Member { return s.Data().(*access.Member) }

// accessChecks is what being ready needs of the keys that tokens are checked with.
func (g *gateway) accessChecks() []check {
	if g.access == nil {
		return nil
	}
	return []check{{"access", g.access.State}}
}
