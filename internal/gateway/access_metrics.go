package gateway

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/causeway-rt/causeway/internal/access"
)

var (
	descAdmitted    = desc("access_granted_total", "Sockets let into a namespace, by what they had: a token, or nothing.", "by")
	descTurnedAway  = desc("access_refused_total", "Sockets not let into a namespace, and tokens not taken in place of another, by the code that the client was told.", "code")
	descRenewed     = desc("access_renewed_total", "Tokens taken in place of another.")
	descExpired     = desc("access_expired_total", "Sockets whose connection was ended because their token had.")
	descTokens      = desc("access_tokens", "Sockets that will be sent away when their token ends.")
	descGrants      = desc("access_grants", "Different grants that they have.")
	descKeys        = desc("access_keys", "Keys that tokens are checked with.")
	descKeysAge     = desc("access_keys_age_seconds", "Age of the oldest set of keys that is in use.")
	descKeysFetched = desc("access_key_fetches_total", "Requests for sets of keys.", "result")
)

// collectAccess puts the figures of access, if it is configured.
func collectAccess(a *access.Access, m sink) {
	if a == nil {
		return
	}
	st := a.Stats()
	m.counter(descAdmitted, st.ByToken, "token")
	m.counter(descAdmitted, st.Anonymous, "nothing")
	counters(m, descTurnedAway, st.Refused)
	m.counter(descRenewed, st.Renewed)
	m.counter(descExpired, st.Expired)
	m.gauge(descTokens, int64(st.Watched))
	m.gauge(descGrants, int64(st.Shared))
	m.gauge(descKeys, int64(st.Keys))
	m <- prometheus.MustNewConstMetric(descKeysAge, prometheus.GaugeValue, st.KeysAge.Seconds())
	m.counter(descKeysFetched, st.Fetched, "ok")
	m.counter(descKeysFetched, st.FetchesFailed, "failed")
}
