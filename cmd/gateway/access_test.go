package main

import (
	"crypto/ed25519"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/access"
)

func parseAccess(t *testing.T, content string) (*access.Config, error) {
	t.Helper()
	cmd, err := parse([]string{"--config", writeFile(t, content)}, sources{sections: allSections}, io.Discard)
	return cmd.cfg.Access, err
}

const edPublic = `-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
`

func TestAccessIsReadWhole(t *testing.T) {
	got, err := parseAccess(t, `
access:
  leeway: 3s
  keys:
    - {name: app, kid: k1, algorithms: [HS256], secret_file: `+writeFile(t, strings.Repeat("x", 32)+"\n")+`, issuer: me, audience: [a, b]}
    - {name: partner, algorithms: [EdDSA], public_key_file: `+writeFile(t, edPublic)+`}
    - {name: login, algorithms: [RS256, ES512], jwks_url: "https://login.example/keys", jwks_refresh: 1h, jwks_interval: 1m}
  namespaces:
    /: {}
    /chat:
      users: {rooms: [lobby], allow: {join: ["a*"], leave: ["**"], publish: [b]}}
      anonymous: {}
`)
	if err != nil {
		t.Fatal(err)
	}
	public, ok := got.Keys[1].Public.(ed25519.PublicKey)
	if !ok {
		t.Fatalf("public key is a %T", got.Keys[1].Public)
	}
	want := &access.Config{
		Leeway: 3 * time.Second,
		Keys: []access.Key{
			{Name: "app", ID: "k1", Algorithms: []string{"HS256"}, Secret: access.Secret(strings.Repeat("x", 32)), Issuer: "me", Audience: []string{"a", "b"}},
			{Name: "partner", Algorithms: []string{"EdDSA"}, Public: public},
			{Name: "login", Algorithms: []string{"RS256", "ES512"}, JWKS: "https://login.example/keys", Refresh: time.Hour, Interval: time.Minute},
		},
		Namespaces: map[string]access.Rules{
			"/":     {},
			"/chat": {Users: access.Grants{Rooms: []string{"lobby"}, Join: []string{"a*"}, Leave: []string{"**"}, Publish: []string{"b"}}, Anonymous: &access.Grants{}},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	if text := fmt.Sprintf("%+v %#v", got, got); strings.Contains(text, strings.Repeat("x", 32)) {
		t.Error("the secret shows when the configuration is printed")
	}
}

func TestWithoutTheSectionThereIsNoAccess(t *testing.T) {
	if got, err := parseAccess(t, "max_queue: 7\n"); got != nil || err != nil {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAccessRefusalNamesLineKeyValueAndWhatIsAllowed(t *testing.T) {
	secret := strings.Repeat("hunter2 ", 4)
	key := func(more string) string { return "access:\n  keys:\n    - {name: app, " + more + "}" }
	rules := func(more string) string {
		return "access:\n  keys: [{name: app, algorithms: [HS256], secret: '" + secret + "'}]\n  namespaces:\n    " + more
	}
	for _, tt := range []struct {
		name, content string
		want          []string
	}{
		{"nobody may connect", "access: {}", []string{":1: access.keys: missing; want a key"}},
		{"too large a leeway", "access: {leeway: 1h}", []string{":1: access.leeway: ", `"1h"`, "to 5m0s"}},
		{"key without a name", "access:\n  keys: [{algorithms: [HS256], secret: '" + secret + "'}]", []string{":2: access.keys[0].name: missing"}},
		{"key of nothing", key("algorithms: [HS256]"), []string{":3: access.keys[0]: 0 keys in one; want one of secret, public_key"}},
		{"key of two kinds", key("algorithms: [HS256], secret: '" + secret + "', jwks_url: https://a.example"), []string{":3: access.keys[0]: 2 keys in one"}},
		{"no algorithms", key("secret: '" + secret + "'"), []string{":3: access.keys[0].algorithms: missing", "HS256, HS384"}},
		{"alg none", key("algorithms: [none], secret: '" + secret + "'"), []string{`access.keys[0].algorithms[0]: "none" (text); want one of HS256`}},
		{"algorithm for another key", key("algorithms: [HS256, RS256], secret: '" + secret + "'"), []string{`access.keys[0].algorithms[1]: "RS256": want one that fits`}},
		{"secret shorter than its hash", key("algorithms: [HS512], secret: '" + secret + "'"), []string{`algorithms[0]: "HS512": want one that fits`, "64 bytes"}},
		{"short secret", key("algorithms: [HS256], secret: hunter2"), []string{`access.keys[0].secret: "***"; want a secret of 32 bytes`}},
		{"secret for a public key", key("algorithms: [RS256], public_key: '" + secret + "'"), []string{`access.keys[0].public_key: "***"; want one public key in PEM form`}},
		{"set in the clear", key("algorithms: [RS256], jwks_url: http://login.example"), []string{`access.keys[0].jwks_url: "http://login.example" (text); want an https://`}},
		{"set with a password", key("algorithms: [RS256], jwks_url: 'https://me:hunter2@login.example'"), []string{`access.keys[0].jwks_url: "https://***@login.example"`, "without user and password"}},
		{"secret with a set's algorithm", key("algorithms: [HS256], jwks_url: https://login.example"), []string{`algorithms[0]: "HS256": want one that fits`}},
		{"interval of nothing", key("algorithms: [RS256], jwks_url: https://a.example, jwks_interval: 0s"), []string{"jwks_interval", `"0s"`, "from 1s"}},
		{"unknown key", key("algorithm: HS256"), []string{":3: access.keys[0].algorithm: ", "allowed: name, kid"}},
		{"namespace without a slash", rules("chat: {}"), []string{":4: access.namespaces: ", `"chat"; want a name such as / or /chat`}},
		{"namespace of nothing", rules("/chat:"), []string{":4: access.namespaces./chat: ", "nothing", "{}"}},
		{"pattern with two stars", rules("/: {users: {allow: {join: [ok, 'a*b*']}}}"), []string{`access.namespaces./.users.allow.join[1]: "a*b*" (text); want a room, with one * at most, or **`}},
		{"room that is a pattern", rules("/: {anonymous: {rooms: ['a*']}}"), []string{`access.namespaces./.anonymous.rooms[0]: "a*" (text); want a room`, "without *"}},
		{"anonymous that are a switch", rules("/: {anonymous: true}"), []string{`access.namespaces./.anonymous: "true" (truth value); want keys below it`}},
		{"grants without allow", rules("/: {users: {join: [a]}}"), []string{"access.namespaces./.users.join: ", "unknown key; allowed: rooms, allow"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parseAccess(t, tt.content)
			if err == nil {
				t.Fatal("it was taken")
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not name %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%q shows the secret", err)
			}
		})
	}
}
