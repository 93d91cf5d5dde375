package gateway

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/causeway-rt/causeway/internal/access"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// refresh takes a new token in place of the one that the client came with: the connection
// lasts as long as the new one, with its grants.
func (r *relay) refresh(e *socketio.Event) {
	outcome, code := relayForbidden, access.Code("")
	switch {
	case r.access != nil:
		outcome, code = r.renew(e)
	case r.open: // everybody may do everything, for ever
		outcome = relayOK
	}
	ack := relayAnswers[outcome]
	if code != "" {
		ack = json.RawMessage(`{"ok":false,"error":"` + relayCodes[outcome] + `","code":"` + string(code) + `"}`)
	}
	r.answer(e, relayRefresh, outcome, ack)
}

// renew joins the rooms of the new token before it takes the grants of the old one away,
// so that a failure changes nothing.
func (r *relay) renew(e *socketio.Event) (outcome int, code access.Code) {
	token, ok := e.Arg(0).String()
	if !ok || e.Len() != 1 {
		return relayInvalid, ""
	}
	s := e.Socket()
	m := memberOf(s)
	next, err := r.access.Renew(context.Background(), m, s.Namespace().Name(), token)
	if err != nil {
		var refused *access.Refusal
		if errors.As(err, &refused) {
			code = refused.Code
		}
		if code == access.CodeUnavailable {
			return relayUnavailable, code
		}
		return relayForbidden, code
	}
	ctx, cancel := r.patience()
	defer cancel()
	if err := s.Join(ctx, next.Rooms()...); err != nil {
		return joinOutcome(err), ""
	}
	_ = s.Leave(ctx, r.access.Replace(m, next, s.Rooms())...) // it has left in any case
	s.SetUser(m.Owner())
	return relayOK, ""
}
