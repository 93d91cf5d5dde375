package engineio

import (
	"net/http"
	"sync"
	"time"
)

// A client that closes its session by a POST may have sent other requests before it, on
// other connections: the next GET, and a WebSocket to upgrade to. Behind a balancer each
// goes through another node, so they may arrive after that POST, and no order among them
// tells how late. They get what they would have got in time: the GET a noop, the
// WebSocket its end. Each once, as there is at most one of each under way: whatever else
// names the session gets the answer for an unknown one.
//
// The reference, a single process, refuses such a GET. It can't be told from one that a
// client sends when its POST has been answered, which therefore gets a noop here, too:
// nothing that a client could act upon, and a client that has closed does not.

const (
	// lateTime is how long a request may be under way, and as long as a session that
	// the server has closed waits for its GET.
	lateTime = pollLinger
	// maxDepartures bounds what is remembered, at about 120 bytes each. With more in
	// lateTime, the oldest are forgotten, and what comes for them is refused and counted.
	maxDepartures = 4096
)

// late is a set of requests that may still arrive.
type late uint8

const (
	lateGet late = 1 << iota
	lateUpgrade
)

// departures remembers sessions that their clients have closed. What is too old goes
// when the next comes. Its methods may be called from any goroutine.
type departures struct {
	mu sync.Mutex
	// Guarded by mu.
	expected map[string]late // by session id
	order    []departure     // the oldest first
}

type departure struct {
	id string
	at time.Time
}

func (d *departures) add(id string, what late) {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := time.Now()
	d.forget(now, maxDepartures-1)
	if d.expected == nil {
		d.expected = map[string]late{}
	}
	d.expected[id] = what
	d.order = append(d.order, departure{id, now})
}

// take reports whether what is expected of a session, and expects it no more.
func (d *departures) take(id string, what late) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(time.Now(), maxDepartures)
	rest, known := d.expected[id]
	if !known || rest&what == 0 {
		return false
	}
	d.expected[id] = rest &^ what
	return true
}

// forget keeps at most some that are not too old. Callers hold mu.
func (d *departures) forget(now time.Time, keep int) {
	n := 0
	for n < len(d.order) && (len(d.order)-n > keep || now.Sub(d.order[n].at) > lateTime) {
		delete(d.expected, d.order[n].id)
		d.order[n] = departure{}
		n++
	}
	d.order = d.order[n:]
	if len(d.order) == 0 {
		d.order, d.expected = nil, nil // a map does not shrink
	}
}

// expectLate remembers what may still come of a session whose client closes it in a POST:
// which has its turn, so that the session is polling. Callers hold mu, so that who finds
// it closed finds this as well.
func (s *Session) expectLate() {
	var what late
	if s.poll.waiting == nil {
		what |= lateGet
	}
	if s.probe == nil {
		what |= lateUpgrade
	}
	if what != 0 {
		s.server.departures.add(s.id, what)
	}
}

// serveUnknown answers a request of a session that is not there.
func (s *Server) serveUnknown(w http.ResponseWriter, r *http.Request, req *request) {
	current := req.version == "4"
	switch {
	case current && req.upgrade && s.departures.take(req.sid, lateUpgrade):
		s.endUpgrade(w, r)
	case current && r.Method == http.MethodGet && req.transport == Polling && s.departures.take(req.sid, lateGet):
		_ = s.replyPoll(w, r, []*Message{noopPacket}, false) // nobody is left to be told of an error
	default:
		s.reject(w, r, rejectSession)
	}
}

// endUpgrade accepts a WebSocket and closes it, as one is closed whose session ends
// during the probe.
func (s *Server) endUpgrade(w http.ResponseWriter, r *http.Request) {
	s.addHeaders(w, r, false)
	c, err := s.accept(w, r)
	if err != nil {
		s.stats.rejected(rejectBadRequest)
		return
	}
	s.stats.upgradesFailed.Add(1)
	_ = c.tcp.Close()
	c.cleanUp()
}
