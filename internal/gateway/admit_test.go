package gateway

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/causeway-rt/causeway/internal/access"
	"github.com/causeway-rt/causeway/internal/redistest"
)

const tokenSecret = "0123456789abcdef0123456789abcdef"

// withTokens is a configuration that wants tokens signed with tokenSecret.
func withTokens(namespaces map[string]access.Rules) Config {
	return Config{Access: &access.Config{
		Keys:       []access.Key{{Name: "app", Algorithms: []string{"HS256"}, Secret: tokenSecret}},
		Namespaces: namespaces,
	}}
}

// tokenFor is a good token; more adds to its claims.
func tokenFor(t *testing.T, user string, more jwt.MapClaims) string {
	t.Helper()
	c := jwt.MapClaims{"sub": user, "exp": time.Now().Add(time.Hour).Unix()}
	for name, v := range more {
		c[name] = v
	}
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString([]byte(tokenSecret))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// allow is the claim with patterns for all three actions.
func allow(patterns ...string) map[string]any {
	return map[string]any{"join": patterns, "leave": patterns, "publish": patterns}
}

// enter is a client in "/" with a token.
func (w *world) enter(token string) *client {
	w.t.Helper()
	c := w.dial()
	c.send(`40{"token":"` + token + `"}`)
	got := c.expectPrefix(`40{"sid":"`)
	c.id = strings.TrimSuffix(strings.TrimPrefix(got, `40{"sid":"`), `"}`)
	return c
}

// ask sends a relay event and expects the answer.
func (c *client) ask(args, want string) {
	c.t.Helper()
	c.send(`427[` + args + `]`)
	c.expect(`437[` + want + `]`)
}

const (
	ackOK        = `{"ok":true}`
	ackForbidden = `{"ok":false,"error":"forbidden"}`
	ackInvalid   = `{"ok":false,"error":"invalid"}`
)

func TestTokenDecidesWhatAClientMayDo(t *testing.T) {
	w := start(t, withTokens(nil), nil)
	c := w.enter(tokenFor(t, "42", jwt.MapClaims{"rooms": []string{"lobby"}, "allow": map[string]any{
		"join": []string{"tea:*", "*"}, "leave": []string{"**"}, "publish": []string{"lobby", "user:7"},
	}}))
	other := w.enter(tokenFor(t, "43", jwt.MapClaims{"rooms": []string{"lobby"}}))
	for _, tt := range []struct{ args, want string }{
		{`"join","tea:green"`, ackOK},
		{`"join","user:43"`, ackForbidden},
		{`"join","user:42"`, ackForbidden}, // it is there, and was not asked
		{`"join","` + other.id + `"`, ackForbidden},
		{`"join"`, ackInvalid},
		{`"leave","tea:green"`, ackOK},
		{`"leave","user:42"`, ackForbidden}, // whatever the token says
		{`"leave","` + c.id + `"`, ackInvalid},
		{`"publish","tea:green","ev"`, ackForbidden},
		{`"publish","user:7","ev"`, ackOK},
		{`"publish","` + other.id + `","ev"`, ackForbidden},
		{`"publish","lobby","poured",1`, ackOK},
	} {
		c.ask(tt.args, tt.want)
	}
	other.expect(`42["poured",1]`) // and nothing before it
	for _, event := range []string{`"join","lobby"`, `"leave","lobby"`, `"publish","lobby","ev"`} {
		other.ask(event, ackForbidden)
	}
	for _, line := range []string{
		`gateway_access_granted_total{by="token"} 2`, `gateway_access_tokens 2`, `gateway_access_grants 2`, `gateway_access_keys 1`,
		`gateway_relay_events_total{event="join",result="forbidden"} 4`, `gateway_relay_events_total{event="join",result="invalid"} 1`,
	} {
		w.until(w.internal+"/metrics", 200, "\n"+line+"\n")
	}
}

func TestRefusalsHaveACodeAndAreCounted(t *testing.T) {
	w := start(t, withTokens(nil), nil)
	for code, packet := range map[string]string{
		"token_missing": `40`,
		"token_invalid": `40{"token":"hunter2"}`,
		"token_expired": `40{"token":"` + tokenFor(t, "42", jwt.MapClaims{"exp": 1}) + `"}`,
		"token_claims":  `40{"token":"` + tokenFor(t, "", nil) + `"}`,
	} {
		c := w.dial()
		c.send(packet)
		got := c.expectPrefix(`44{"message":"`)
		if !strings.HasSuffix(got, `","data":{"code":"`+code+`"}}`) {
			t.Errorf("%s: got %s", code, got)
		}
		w.until(w.internal+"/metrics", 200, fmt.Sprintf("\ngateway_access_refused_total{code=%q} 1\n", code))
		// It may try again on the same connection.
		c.send(`40{"token":"` + tokenFor(t, "42", nil) + `"}`)
		c.expectPrefix(`40{"sid":"`)
	}
	if strings.Contains(w.log.String(), "hunter2") {
		t.Error("the log has a token")
	}
}

// TestClientCanNotGoOnTryingTokens on one connection; addresses are limited elsewhere.
func TestClientCanNotGoOnTryingTokens(t *testing.T) {
	w := start(t, withTokens(nil), nil)
	c := w.dial()
	for range 16 {
		c.send(`40{"token":"no"}`)
		c.expectPrefix(`44{"message":"The token is not valid"`)
	}
	if got, err := c.next(); err == nil && got != "1" {
		t.Errorf("got %q after 16 wrong tokens, want the end", got)
	}
	w.until(w.internal+"/metrics", 200, "\ngateway_clients_refused_total{reason=\"forced server close\"} 1\n")
}

func TestNamespacesAreThoseConfigured(t *testing.T) {
	rules := map[string]access.Rules{
		"/chat":  {Anonymous: &access.Grants{Rooms: []string{"lobby"}, Publish: []string{"lobby"}}},
		"/admin": {Users: access.Grants{Join: []string{"*"}}},
	}
	for _, dev := range []bool{false, true} {
		cfg := withTokens(rules)
		cfg.Dev = dev // its openness ends where access is configured
		w := start(t, cfg, nil)
		c := w.dial()
		for _, name := range []string{"", "/other,"} {
			c.send("40" + name)
			c.expect("44" + name + `{"message":"Invalid namespace"}`)
		}
		c.send("40/admin,")
		c.expectPrefix(`44/admin,{"message":"A token is needed","data":{"code":"token_missing"}}`)
		c.send(`40/admin,{"token":"` + tokenFor(t, "42", jwt.MapClaims{"namespaces": []string{"/chat"}}) + `"}`)
		c.expectPrefix(`44/admin,{"message":"The token is not for this namespace"`)
		c.send("40/chat,")
		c.expectPrefix(`40/chat,{"sid"`)
		c.send(`42/chat,1["publish","lobby","ev"]`)
		c.expect(`43/chat,1[{"ok":true}]`)
		c.send(`42/chat,2["join","tea"]`)
		c.expect(`43/chat,2[` + ackForbidden + `]`)
		c.send(`42/chat,3["refresh","` + tokenFor(t, "42", nil) + `"]`)
		c.expect(`43/chat,3[{"ok":false,"error":"forbidden","code":"token_subject"}]`)
		c.send(`40/admin,{"token":"` + tokenFor(t, "42", nil) + `"}`)
		c.expectPrefix(`40/admin,{"sid"`)
		c.send(`42/admin,4["join","tea"]`)
		c.expect(`43/admin,4[{"ok":true}]`)
		w.until(w.internal+"/metrics", 200, "\ngateway_access_granted_total{by=\"nothing\"} 1\n")
	}
}

// TestConnectionEndsWithItsTokenSoThatTheClientComesBack: at the Engine.IO level, as the
// official client does not come back after a DISCONNECT packet.
func TestConnectionEndsWithItsTokenSoThatTheClientComesBack(t *testing.T) {
	w := start(t, withTokens(nil), nil)
	exp := time.Now().Add(2 * time.Second).Truncate(time.Second)
	short := tokenFor(t, "42", jwt.MapClaims{"exp": exp.Unix()})
	c, renewed := w.enter(short), w.enter(short)
	renewed.ask(`"refresh","`+tokenFor(t, "42", nil)+`"`, ackOK)
	if got, err := c.next(); err == nil && got != "1" {
		t.Errorf("got %q, want the end", got)
	}
	if late := time.Since(exp); late < 0 || late > time.Second {
		t.Errorf("it ended %v after its token", late)
	}
	renewed.ask(`"join","tea"`, ackForbidden) // it is still there
	for _, line := range []string{"gateway_access_expired_total 1", "gateway_access_renewed_total 1", "gateway_access_tokens 1", `gateway_disconnects_total{reason="sent away"} 1`} {
		w.until(w.internal+"/metrics", 200, "\n"+line+"\n")
	}
}

func TestRefreshReplacesTheGrants(t *testing.T) {
	w := start(t, withTokens(nil), nil)
	c := w.enter(tokenFor(t, "42", jwt.MapClaims{"rooms": []string{"lobby", "old"}, "allow": allow("tea:*")}))
	c.ask(`"join","tea:1"`, ackOK)
	if err := w.sockets.To(c.id).SocketsJoin(t.Context(), "by the server"); err != nil {
		t.Fatal(err)
	}
	next := tokenFor(t, "42", jwt.MapClaims{"rooms": []string{"lobby", "new"}, "allow": allow("coffee:*")})
	for _, tt := range []struct{ args, want string }{
		{`"refresh"`, ackInvalid},
		{`"refresh",7`, ackInvalid},
		{`"refresh","` + next + `","more"`, ackInvalid},
		{`"refresh","no"`, `{"ok":false,"error":"forbidden","code":"token_invalid"}`},
		{`"refresh","` + tokenFor(t, "43", nil) + `"`, `{"ok":false,"error":"forbidden","code":"token_subject"}`},
		{`"refresh","` + tokenFor(t, "42", jwt.MapClaims{"exp": 1}) + `"`, `{"ok":false,"error":"forbidden","code":"token_expired"}`},
		{`"join","tea:2"`, ackOK}, // nothing has changed so far
		{`"refresh","` + next + `"`, ackOK},
		{`"join","tea:3"`, ackForbidden},
		{`"join","coffee:1"`, ackOK},
	} {
		c.ask(tt.args, tt.want)
	}
	for room, in := range map[string]bool{"user:42": true, "lobby": true, "new": true, "by the server": true, "coffee:1": true, "old": false, "tea:1": false, "tea:2": false} {
		if err := w.sockets.To(room).Emit("heard", room); err != nil {
			t.Fatal(err)
		}
		if in {
			c.expect(`42["heard","` + room + `"]`)
		}
	}
	c.ask(`"join","coffee:1"`, ackOK) // nothing is left to be heard
	w.until(w.internal+"/metrics", 200, "\n"+`gateway_relay_events_total{event="refresh",result="forbidden"} 3`+"\n")
	w.until(w.internal+"/metrics", 200, "\n"+`gateway_access_refused_total{code="token_subject"} 1`+"\n")
}

func TestRefreshWhereThereAreNoTokens(t *testing.T) {
	start(t, Config{Dev: true}, nil).connect().ask(`"refresh","any"`, ackOK)
	start(t, Config{}, nil).connect().ask(`"refresh","any"`, ackForbidden)
}

// TestSocketsOfAUserAreClosedOnAllNodes within a second, in answer to one call on any of
// them: a user who has been locked out.
func TestSocketsOfAUserAreClosedOnAllNodes(t *testing.T) {
	cfg := withTokens(nil)
	cfg.RedisURL, cfg.RedisPrefix, cfg.ClusterKey = redistest.Start(t), redistest.Prefix(t), "a key for all nodes"
	nodes := []*world{start(t, cfg, nil), start(t, cfg, nil)}
	for _, w := range nodes {
		w.until(w.internal+"/readyz", http.StatusOK, `"access":"ok"`)
	}
	gone := []*client{nodes[0].enter(tokenFor(t, "42", nil)), nodes[1].enter(tokenFor(t, "42", nil)), nodes[1].enter(tokenFor(t, "42", jwt.MapClaims{"rooms": []string{"lobby"}}))}
	stays := nodes[1].enter(tokenFor(t, "421", nil))
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	began := time.Now()
	if err := nodes[0].sockets.To("user:42").DisconnectSockets(ctx, true); err != nil {
		t.Fatal(err)
	}
	for _, c := range gone {
		c.expect("41") // told so, as it should not come back
		if got, err := c.next(); err == nil && got != "1" {
			t.Errorf("got %q, want the end", got)
		}
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %v", took)
	}
	stays.ask(`"leave","x"`, ackForbidden)
}

// TestOtherNodesSeeTheUserAndNotTheToken, where they ask for sockets.
func TestOtherNodesSeeTheUserAndNotTheToken(t *testing.T) {
	w := start(t, withTokens(nil), nil)
	token := tokenFor(t, "42", nil)
	w.enter(token)
	found, err := w.sockets.FetchSockets(t.Context())
	if err != nil || len(found) != 1 {
		t.Fatalf("%v, %v", found, err)
	}
	if got := string(found[0].Data()); got != `{"user":"42"}` {
		t.Errorf("data %s", got)
	}
	if got := string(found[0].Handshake()); !strings.Contains(got, `"auth":{}`) {
		t.Errorf("handshake %s", got)
	}
}

// TestNodeIsNotReadyWithoutAnyKey, and lives.
func TestNodeIsNotReadyWithoutAnyKey(t *testing.T) {
	nobody := loopback(t)
	nobody.Close()
	cfg := Config{Access: &access.Config{Keys: []access.Key{{Name: "login", Algorithms: []string{"RS256"}, JWKS: "http://" + nobody.Addr().String()}}}}
	w := start(t, cfg, nil)
	w.until(w.internal+"/readyz", http.StatusServiceUnavailable, `"access":"no keys yet"`)
	w.until(w.internal+"/livez", http.StatusOK, "ok")
	w.until(w.internal+"/metrics", http.StatusOK, "\n"+`gateway_access_key_fetches_total{result="failed"} 1`+"\n")
	c := w.dial()
	c.send(`40{"token":"` + tokenFor(t, "42", nil) + `"}`)
	c.expectPrefix(`44{"message":"The token is not valid"`) // HS256 is not pinned to this key
}

func TestImpossibleAccessStopsTheStart(t *testing.T) {
	_, err := newGateway(Config{Access: &access.Config{Keys: []access.Key{{Name: "app"}}}, LogOutput: &lines{}})
	if err == nil || !strings.Contains(err.Error(), "app") {
		t.Errorf("%v, want one that names the key", err)
	}
}
