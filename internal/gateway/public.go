package gateway

import (
	"net/http"
	"strings"
)

// publicHandler routes the public listener: the Socket.IO path, as a prefix
// (protocol.md 1.1), and nothing else.
type publicHandler struct {
	prefix  string // ends with a slash
	sockets http.Handler
	page    http.Handler // for all other paths; nil answers 404
}

func (h *publicHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	// The path as it was sent: an escaped or dotted one is another path, as in the
	// reference. http.ServeMux would clean it with a redirect.
	case strings.HasPrefix(r.URL.EscapedPath(), h.prefix):
		h.sockets.ServeHTTP(w, r)
	case h.page != nil:
		h.page.ServeHTTP(w, r)
	default:
		http.NotFound(w, r)
	}
}
