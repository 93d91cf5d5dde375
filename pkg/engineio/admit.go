package engineio

import (
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strconv"
	"time"
)

// admit takes a place for a new session, or answers why there is none. Who got a place
// gives it back with the session, or with leavePlace.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) bool {
	if s.draining.Load() {
		s.rejectDraining(w, r)
		return false
	}
	if s.cfg.Admit != nil {
		address, _ := clientAddress(r, s.cfg.TrustedProxies)
		client, _ := netip.ParseAddr(address) // what is none is the zero Addr
		if busy := s.cfg.Admit(client); busy.Status != 0 {
			s.putOff(w, busy)
			return false
		}
	}
	if s.cfg.AllowRequest != nil {
		if err := s.cfg.AllowRequest(r); err != nil {
			s.refuse(w, r, rejectForbidden, err.Error())
			return false
		}
	}
	if !s.takePlace() { // last: nothing that could panic comes between this and the session
		s.refused(r, rejectFull)
		w.Header().Set("Connection", "close") // the next one may reach another node
		s.putOff(w, Busy{http.StatusServiceUnavailable, time.Second + rand.N(fullRetry), "this node is full"})
		return false
	}
	return true
}

// fullRetry is when a client may try a full node again: it takes a while until others
// leave, and those who wait must not come back together.
const fullRetry = 5 * time.Second

func (s *Server) rejectDraining(w http.ResponseWriter, r *http.Request) {
	s.refused(r, rejectDraining)
	w.Header().Set("Connection", "close")
	s.putOff(w, Busy{http.StatusServiceUnavailable, time.Second, "this node is draining"})
}

// putOff answers a handshake. Official clients know no Retry-After and come back by a
// back-off of their own; others, and balancers, do.
func (s *Server) putOff(w http.ResponseWriter, busy Busy) {
	seconds := max(1, int64((busy.RetryAfter+time.Second-1)/time.Second))
	w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	_ = s.reply(w, busy.Status, "text/plain; charset=UTF-8", []byte(busy.Message))
}

func (s *Server) takePlace() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.MaxSessions > 0 && s.places >= s.cfg.MaxSessions {
		return false
	}
	s.places++
	return true
}

func (s *Server) leavePlace() {
	s.mu.Lock()
	s.places--
	s.mu.Unlock()
}
