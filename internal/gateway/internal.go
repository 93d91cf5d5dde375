package gateway

import (
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/causeway-rt/causeway/internal/peer"
)

// maxScrapes bounds concurrent scrapes: each holds the whole answer in memory.
const maxScrapes = 4

// internal routes the internal listener. Of debug, which takes requests for profiles, and
// peers, which takes those of other nodes, either may be nil.
func internal(h *health, metrics prometheus.Gatherer, debug, peers http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", h.live)
	mux.HandleFunc("GET /readyz", h.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes}))
	if debug != nil {
		mux.Handle(debugPath, debug)
	}
	if peers == nil {
		return mux
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, peer.Path) { // not in the mux, which would clean the client's path
			peers.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
