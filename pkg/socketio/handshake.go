package socketio

import (
	"encoding/json"
	"errors"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

var errNoAuth = errors.New("socketio: the client sent no auth object")

// Handshake describes how a socket came to be: the first HTTP request of its
// session, and what the client sent along with its CONNECT. It does not change,
// and neither must what its methods return.
type Handshake struct {
	*engineio.Handshake
	auth json.RawMessage
}

// Auth returns the client's auth object as it was sent, or nil.
func (h *Handshake) Auth() json.RawMessage { return h.auth }

// BindAuth decodes the auth object into ptr, as encoding/json does. A client
// that sent none is an error.
func (h *Handshake) BindAuth(ptr any) error {
	if h.auth == nil {
		return errNoAuth
	}
	return json.Unmarshal(h.auth, ptr)
}

// Time returns Issued in the form of a JavaScript Date turned into a string.
func (h *Handshake) Time() string {
	return h.Issued().Format("Mon Jan 02 2006 15:04:05 GMT-0700 (MST)")
}
