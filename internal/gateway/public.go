package gateway

import (
	"net/http"
	"strings"
)

// public routes the public listener: the Socket.IO path, as a prefix
// (protocol.md 1.1), and nothing else. page, if any, takes the rest.
func public(path string, sockets, page http.Handler) http.Handler {
	prefix := strings.TrimSuffix(path, "/") + "/"
	if page == nil {
		page = http.NotFoundHandler()
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The path as it was sent: an escaped or dotted one is another path, as in
		// the reference. http.ServeMux would clean it with a redirect.
		if strings.HasPrefix(r.URL.EscapedPath(), prefix) {
			sockets.ServeHTTP(w, r)
			return
		}
		page.ServeHTTP(w, r)
	})
}
