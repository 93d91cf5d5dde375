package engineio

import (
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
)

const (
	errTransport = `{"code":0,"message":"Transport unknown"}`
	errSession   = `{"code":1,"message":"Session ID unknown"}`
	errMethod    = `{"code":2,"message":"Bad handshake method"}`
	errRequest   = `{"code":3,"message":"Bad request"}`
	errForbidden = `{"code":4,"message":"no \"entry\""}`
	errOrigin    = `{"code":4,"message":"Forbidden"}`
	errVersion   = `{"code":5,"message":"Unsupported protocol version"}`
)

func TestHandshakeHasExactlyTheFiveKeys(t *testing.T) {
	sid := regexp.MustCompile(`^\w[\w-]{23}$`)
	for name, row := range map[string]struct {
		cfg      Config
		query    string
		upgrades int
	}{
		"polling":       {Config{NodeTag: "node"}, pollingQuery, 1},
		"no upgrades":   {Config{NodeTag: "node", NoUpgrades: true}, pollingQuery, 0},
		"no WebSocket":  {Config{NodeTag: "node", Transports: []Transport{Polling}}, pollingQuery, 0},
		"empty session": {Config{NodeTag: "node"}, pollingQuery + "&sid=", 1},
		"last one wins": {Config{NodeTag: "node"}, "EIO=3&EIO=4&transport=websocket&transport=polling&t=xyz", 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newPipeWorld(t, row.cfg).get(row.query)
				o := parseOpen(t, a.body) // refuses unknown keys
				for _, key := range []string{"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"} {
					if strings.Count(a.body, `"`+key+`":`) != 1 {
						t.Errorf("%q has not one %q", a.body, key)
					}
				}
				if !sid.MatchString(o.SID) || !strings.HasPrefix(o.SID, "node") {
					t.Errorf("sid is %q", o.SID)
				}
				if o.Upgrades == nil || len(o.Upgrades) != row.upgrades || o.PingInterval != 25_000 || o.PingTimeout != 20_000 || o.MaxPayload != 1_000_000 {
					t.Errorf("open packet is %+v", o)
				}
			})
		})
	}
}

func TestWebSocketHandshakeOffersNoUpgrade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, Config{})
		if o := parseOpen(t, w.dialWebSocket(webSocketQuery).readText()); o.Upgrades == nil || len(o.Upgrades) != 0 {
			t.Errorf("upgrades are %q", o.Upgrades)
		}
	})
}

// refusals are requests and their answers over HTTP; those that can ask for a WebSocket
// get the bare message.
var refusals = map[string]struct {
	method, query string // SID and WSID stand for those of living sessions
	header        string
	status        int
	body          string
	why           rejection
	upgradeToo    bool
}{
	"no transport":           {"GET", "EIO=4", "", 400, errTransport, rejectTransport, true},
	"unknown transport":      {"GET", "EIO=4&transport=constructor", "", 400, errTransport, rejectTransport, true},
	"prototype":              {"GET", "EIO=4&transport=__proto__", "", 400, errTransport, rejectTransport, true},
	"unknown session":        {"GET", pollingQuery + "&sid=x", "", 400, errSession, rejectSession, false},
	"unknown session, ws":    {"GET", webSocketQuery + "&sid=x", "", 400, errSession, rejectSession, true},
	"POST":                   {"POST", pollingQuery, "", 400, errMethod, rejectHandshakeMethod, false},
	"PUT":                    {"PUT", pollingQuery, "", 400, errMethod, rejectHandshakeMethod, false},
	"DELETE":                 {"DELETE", pollingQuery, "", 400, errMethod, rejectHandshakeMethod, false},
	"OPTIONS":                {"OPTIONS", pollingQuery, "", 400, errMethod, rejectHandshakeMethod, false},
	"illegal origin":         {"GET", pollingQuery, "Origin: a b", 400, errRequest, rejectBadRequest, false},
	"plain GET, ws":          {"GET", webSocketQuery, "", 400, errRequest, rejectBadRequest, false},
	"JSONP":                  {"GET", pollingQuery + "&j=0", "", 400, errRequest, rejectBadRequest, false},
	"ws session polls":       {"GET", pollingQuery + "&sid=WSID", "", 400, errRequest, rejectMismatch, false},
	"ws session posts":       {"POST", pollingQuery + "&sid=WSID", "", 400, errRequest, rejectMismatch, false},
	"polls as ws":            {"GET", webSocketQuery + "&sid=SID", "", 400, errRequest, rejectMismatch, false},
	"session changes EIO":    {"GET", "EIO=3&transport=polling&sid=SID", "", 400, errRequest, rejectProtocolMismatch, false},
	"upgrade changes EIO":    {"GET", "EIO=3&transport=websocket&sid=SID", "", 400, errRequest, rejectProtocolMismatch, true},
	"upgrade drops EIO":      {"GET", "transport=websocket&sid=SID", "", 400, errRequest, rejectProtocolMismatch, true},
	"forbidden":              {"GET", pollingQuery + "&bad", "", 403, errForbidden, rejectForbidden, false},
	"forbidden, ws":          {"GET", webSocketQuery + "&bad", "", 403, errForbidden, rejectForbidden, true},
	"foreign origin":         {"GET", pollingQuery, "Origin: https://evil.example", 403, errOrigin, rejectOrigin, false},
	"EIO 3":                  {"GET", "EIO=3&transport=polling", "", 400, errVersion, rejectVersion, false},
	"EIO 3, ws":              {"GET", "EIO=3&transport=websocket", "", 400, errVersion, rejectVersion, true},
	"no EIO":                 {"GET", "transport=polling", "", 400, errVersion, rejectVersion, false},
	"polling as a WebSocket": {"GET", pollingQuery, "", 400, errRequest, rejectBadRequest, true},
}

// onlyUpgrade names the rows that mean something else without an Upgrade header.
var onlyUpgrade = map[string]bool{"polling as a WebSocket": true}

// needsUpgrade names the rows whose plain form is refused earlier, as no WebSocket.
var needsUpgrade = map[string]bool{"forbidden, ws": true, "EIO 3, ws": true, "upgrade changes EIO": true, "upgrade drops EIO": true}

func TestRefusalsAreTheReferences(t *testing.T) {
	for name, row := range refusals {
		for _, upgrade := range []bool{false, true} {
			if upgrade && !row.upgradeToo || !upgrade && (onlyUpgrade[name] || needsUpgrade[name]) {
				continue
			}
			t.Run(name+map[bool]string{false: "/http", true: "/upgrade"}[upgrade], func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newPipeWorld(t, Config{AllowRequest: func(r *http.Request) error {
						if r.URL.Query().Has("bad") {
							return errors.New(`no "entry"`)
						}
						return nil
					}})
					p, c := w.openPolling(), w.openWebSocket()
					query := strings.NewReplacer("WSID", c.peer.ID(), "SID", p.peer.ID()).Replace(row.query)
					if upgrade {
						_, resp := w.handshake(query, "", "")
						b, _ := io.ReadAll(resp.Body)
						message := strings.NewReplacer(`\"`, `"`).Replace(row.body[len(`{"code":0,"message":"`) : len(row.body)-2])
						answer{status: resp.StatusCode, body: string(b)}.expect(t, http.StatusBadRequest, message)
						if !resp.Close || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
							t.Errorf("headers are %v", resp.Header)
						}
					} else {
						var headers []string
						if row.header != "" {
							headers = append(headers, row.header)
						}
						a := w.do(row.method, query, nil, headers...)
						a.expect(t, row.status, row.body)
						if got := a.header.Get("Content-Type"); got != "application/json" {
							t.Errorf("Content-Type is %q", got)
						}
					}
					w.expectRejected(row.why, 1)
					p.peer.expectOpen()
					c.peer.expectOpen()
					if len(w.sessions) != 0 {
						t.Error("a session was opened")
					}
				})
			})
		}
	}
}

func TestHeadIsNoHandshake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		newPipeWorld(t, Config{}).do(http.MethodHead, pollingQuery, nil).expect(t, http.StatusBadRequest, "")
	})
}

func TestAllowRequestIsAskedOncePerSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		w := newPipeWorld(t, Config{AllowRequest: func(*http.Request) error { asked++; return nil }})
		p := w.openPolling()
		p.post("4a").expect(t, http.StatusOK, "ok")
		w.dialWebSocket(webSocketQuery + "&sid=" + p.peer.ID())
		if asked != 1 {
			t.Errorf("asked %d times", asked)
		}
	})
}

func TestImpossibleConfigurationIsRefused(t *testing.T) {
	open := func(*Session) Receiver { return nil }
	for name, cfg := range map[string]Config{
		"no OnSession":     {},
		"negative time":    {OnSession: open, PingInterval: -1},
		"negative payload": {OnSession: open, MaxPayload: -1},
		"transport":        {OnSession: open, Transports: []Transport{"webtransport"}},
		"origin":           {OnSession: open, AllowedOrigins: []string{"example.com"}},
		"short tag":        {OnSession: open, NodeTag: "abc"},
		"tag":              {OnSession: open, NodeTag: "a#bc"},
	} {
		if s, err := NewServer(cfg); err == nil || s != nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestRefusedRequestsAreTold(t *testing.T) {
	told := make(chan string, 1)
	w := newTCPWorld(t, Config{OnRefused: func(r *http.Request, reason string) { told <- r.URL.Query().Get("EIO") + " " + reason }})
	w.get("EIO=3&transport=polling")
	if got := receive(t, told, "the reason"); got != "3 unsupported_protocol" {
		t.Errorf("%q", got)
	}
	w.server.Refuse()
	w.get(pollingQuery)
	if got := receive(t, told, "the reason"); got != "4 draining" {
		t.Errorf("%q", got)
	}
}
