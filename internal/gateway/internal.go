package gateway

import (
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/causeway-rt/causeway/internal/api"
	"github.com/causeway-rt/causeway/internal/peer"
)

// maxScrapes bounds concurrent scrapes: each holds the whole answer in memory.
const maxScrapes = 4

// internal routes the internal listener. Of backends, which takes what is below api.Path, debug,
// which takes requests for profiles, and peers, which takes those of other nodes, each may be nil.
func internal(h *health, metrics prometheus.Gatherer, backends, debug, peers http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", h.live)
	mux.HandleFunc("GET /readyz", h.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes}))
	if debug != nil {
		mux.Handle(debugPath, debug)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch { // not in the mux, which would clean the path
		case peers != nil && strings.HasPrefix(r.URL.Path, peer.Path):
			peers.ServeHTTP(w, r)
		case backends != nil && strings.HasPrefix(r.URL.Path, api.Path):
			backends.ServeHTTP(w, r)
		default:
			mux.ServeHTTP(w, r)
		}
	})
}
