package engineio

import (
	"net/http"
	"strings"
)

// rejection is why a request was refused, or what of it broke the protocol.
type rejection int

const (
	rejectTransport rejection = iota
	rejectSession
	rejectHandshakeMethod
	rejectBadRequest
	rejectMismatch
	rejectProtocolMismatch
	rejectForbidden
	rejectOrigin
	rejectVersion
	rejectDraining
	rejectFull
	rejectMethod
	rejectOverlap
	rejectContent
	rejectTooLarge
	rejectBody
	rejectPayload
	rejections = iota
)

var rejectionNames = [rejections]string{
	"unknown_transport", "unknown_session", "bad_handshake_method", "bad_request", "transport_mismatch", "protocol_mismatch",
	"forbidden", "origin", "unsupported_protocol", "draining", "full", "bad_method", "overlap", "bad_content_type", "body_too_large",
	"body_cut_off", "bad_payload",
}

func (r rejection) String() string { return rejectionNames[r] }

// The answers of the reference, "error codes".
const (
	codeTransport = iota
	codeSession
	codeHandshakeMethod
	codeBadRequest
	codeForbidden
	codeVersion
)

var codeMessages = [...]string{"Transport unknown", "Session ID unknown", "Bad handshake method", "Bad request", "Forbidden", "Unsupported protocol version"}

func (r rejection) code() int {
	switch r {
	case rejectTransport:
		return codeTransport
	case rejectSession:
		return codeSession
	case rejectHandshakeMethod:
		return codeHandshakeMethod
	case rejectForbidden, rejectOrigin:
		return codeForbidden
	case rejectVersion:
		return codeVersion
	}
	return codeBadRequest
}

// request is what a request says of itself in its query.
type request struct {
	transport Transport
	sid       string
	version   string
	upgrade   bool // asks for a WebSocket
	jsonp     bool
}

func parseRequest(r *http.Request) request {
	q := r.URL.Query()
	last := func(key string) string {
		v := q[key]
		if len(v) == 0 {
			return ""
		}
		return v[len(v)-1]
	}
	return request{
		transport: Transport(last("transport")),
		sid:       last("sid"),
		version:   last("EIO"),
		upgrade:   r.Method == http.MethodGet && strings.EqualFold(r.Header.Get("Upgrade"), "websocket"),
		jsonp:     len(q["j"]) > 0,
	}
}

// verify checks a request in the reference's order (reference: "verify"). sess is its
// session, nil for a new one.
func (s *Server) verify(r *http.Request, req *request) (sess *Session, why rejection, ok bool) {
	if !s.transports[req.transport] {
		return nil, rejectTransport, false
	}
	if !legalOrigin(r) {
		return nil, rejectBadRequest, false
	}
	if !s.originAllowed(r) {
		return nil, rejectOrigin, false
	}
	if req.jsonp || req.upgrade && req.transport != WebSocket {
		return nil, rejectBadRequest, false
	}
	if req.sid == "" {
		switch {
		case r.Method != http.MethodGet:
			return nil, rejectHandshakeMethod, false
		case req.transport == WebSocket && !req.upgrade:
			return nil, rejectBadRequest, false
		case req.version != "4":
			return nil, rejectVersion, false
		}
		return nil, 0, true
	}
	sess = s.session(req.sid)
	switch {
	case sess == nil:
		return nil, rejectSession, false
	case !req.upgrade && sess.Transport() != req.transport:
		return nil, rejectMismatch, false
	case req.version != "4":
		return nil, rejectProtocolMismatch, false
	}
	return sess, 0, true
}

// reject answers a refused request as the reference does: JSON over plain HTTP, bare
// text to what wanted to be a WebSocket.
func (s *Server) reject(w http.ResponseWriter, r *http.Request, why rejection) {
	s.refuse(w, r, why, codeMessages[why.code()])
}

// refused counts a request, and tells of it.
func (s *Server) refused(r *http.Request, why rejection) {
	s.stats.rejected(why)
	if s.cfg.OnRefused != nil {
		s.cfg.OnRefused(r, why.String())
	}
}

func (s *Server) refuse(w http.ResponseWriter, r *http.Request, why rejection, message string) {
	s.refused(r, why)
	status := http.StatusBadRequest
	if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		w.Header().Set("Connection", "close")
		_ = s.reply(w, status, "text/html", []byte(message))
		return
	}
	if why.code() == codeForbidden {
		status = http.StatusForbidden
	}
	body := append([]byte(`{"code":`), byte('0'+why.code()))
	body = append(body, `,"message":`...)
	body = appendQuoted(body, message)
	_ = s.reply(w, status, "application/json", append(body, '}'))
}
