package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func TestGrantsOfTokenAndNamespaceAddUp(t *testing.T) {
	a := build(t, Config{Keys: []Key{hsKey()}, Namespaces: map[string]Rules{
		"/":     {Users: Grants{Rooms: []string{"all", "lobby"}, Join: []string{"public:*"}}, Anonymous: &Grants{Join: []string{"public:*"}}},
		"/chat": {},
	}})
	token := hs(t, jwt.MapClaims{"rooms": []string{"lobby", "tea"}, "allow": map[string]any{"join": []string{"tea:*"}, "leave": []string{"**"}, "publish": []string{"tea"}}})
	m, code := a.admit(t, token)
	if code != "" || fmt.Sprint(m.Rooms()) != "[user:42 all lobby tea]" {
		t.Fatalf("%q, rooms %v", code, m.Rooms())
	}
	nobody, code := a.admit(t, "")
	if code != "" {
		t.Fatalf("%q", code)
	}
	chatter, code := outcome(t, func() (*Member, error) { return a.Admit(t.Context(), "/chat", auth(token)) })
	if code != "" || fmt.Sprint(chatter.Rooms()) != "[user:42 lobby tea]" {
		t.Fatalf("%q, rooms %v", code, chatter.Rooms())
	}
	for _, tt := range []struct {
		who    *Member
		action Action
		room   string
		want   bool
	}{
		{m, Join, "public:1", true}, {m, Join, "tea:1", true}, {m, Join, "coffee", false}, {m, Join, "user:42", false}, {m, Join, "user:43", false},
		{m, Leave, "anything", true}, {m, Leave, "user:43", true}, {m, Leave, "user:42", false},
		{m, Publish, "tea", true}, {m, Publish, "tea:1", false}, {m, Publish, "public:1", false},
		{chatter, Join, "tea:1", true}, {chatter, Join, "public:1", false},
		{nobody, Join, "public:1", true}, {nobody, Join, "tea:1", false}, {nobody, Leave, "public:1", false}, {nobody, Publish, "public:1", false}, {nobody, Leave, "", false},
	} {
		if got := tt.who.May(tt.action, tt.room); got != tt.want {
			t.Errorf("user %q, action %d, room %q: %v, want %v", tt.who.User(), tt.action, tt.room, got, tt.want)
		}
	}
	for who, want := range map[*Member]string{m: `{"user":"42"}`, nobody: `{}`} {
		if got, err := json.Marshal(who); err != nil || string(got) != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
	a.Enter(nobody, nil) // costs nothing, and ends nothing
	a.Leave(nobody)
}

func TestNewTokenReplacesGrants(t *testing.T) {
	a := build(t, Config{Keys: []Key{hsKey()}, Namespaces: map[string]Rules{"/": {Users: Grants{Join: []string{"public:*"}}}}})
	m, code := a.admit(t, hs(t, jwt.MapClaims{"rooms": []string{"lobby", "tea"}, "allow": map[string]any{"join": []string{"old:*"}}}))
	if code != "" {
		t.Fatalf("%q", code)
	}
	a.Enter(m, newClient())
	next, err := a.Renew(t.Context(), m, "/", hs(t, jwt.MapClaims{"rooms": []string{"tea", "coffee"}, "allow": map[string]any{"join": []string{"new:*"}}}))
	if err != nil {
		t.Fatal(err)
	}
	lost := a.Replace(m, next, []string{someID, "user:42", "lobby", "tea", "old:1", "public:1", "by the server", "coffee"})
	if fmt.Sprint(lost) != "[lobby old:1]" {
		t.Errorf("lost %v, want what only the old token allowed", lost)
	}
	if m.May(Join, "old:2") || !m.May(Join, "new:2") || !m.May(Join, "public:2") {
		t.Error("the grants are not those of the new token and the namespace")
	}
	if st := a.Stats(); st.Shared != 1 || st.Renewed != 1 {
		t.Errorf("%d grants, %d renewals", st.Shared, st.Renewed)
	}
	for name, tt := range map[string]struct {
		token string
		want  Code
	}{
		"another user":  {hs(t, jwt.MapClaims{"sub": "43"}), CodeSubject},
		"expired":       {hs(t, jwt.MapClaims{"exp": 1}), CodeExpired},
		"not a token":   {"x", CodeInvalid},
		"not for there": {hs(t, jwt.MapClaims{"namespaces": []string{"/x"}}), CodeNamespace},
	} {
		if _, code := outcome(t, func() (*Member, error) { return a.Renew(t.Context(), m, "/", tt.token) }); code != tt.want || a.Stats().Refused[tt.want] != 1 {
			t.Errorf("%s: %q, want %q", name, code, tt.want)
		}
	}
	a.Leave(m)
	if st := a.Stats(); st.Shared != 0 {
		t.Errorf("%d grants are left", st.Shared)
	}
}

func TestImpossibleConfigurationIsRefused(t *testing.T) {
	p := pairs()
	key := func(change func(*Key)) Config {
		k := hsKey()
		change(&k)
		return Config{Keys: []Key{k}}
	}
	for name, cfg := range map[string]Config{
		"key of nothing":                 key(func(k *Key) { k.Secret = "" }),
		"key of two kinds":               key(func(k *Key) { k.JWKS = "https://a.example" }),
		"no algorithms":                  key(func(k *Key) { k.Algorithms = nil }),
		"alg none":                       key(func(k *Key) { k.Algorithms = []string{"none"} }),
		"algorithm of another kind":      key(func(k *Key) { k.Algorithms = []string{"HS256", "RS256"} }),
		"secret shorter than its hash":   key(func(k *Key) { k.Algorithms = []string{"HS256", "HS384"} }),
		"HS256 with a set":               key(func(k *Key) { k.Secret, k.JWKS = "", "https://a.example" }),
		"set in the clear":               key(func(k *Key) { k.Secret, k.JWKS, k.Algorithms = "", "http://a.example", []string{"RS256"} }),
		"interval below 0":               key(func(k *Key) { k.Interval = -1 }),
		"ES256 with an RSA key":          {Keys: []Key{{Algorithms: []string{"ES256"}, Public: &p.rsa.PublicKey}}},
		"ES384 with a key of P-256":      {Keys: []Key{{Algorithms: []string{"ES384"}, Public: &p.ec.PublicKey}}},
		"too many keys":                  {Keys: make([]Key, MaxKeys+1)},
		"leeway below 0":                 {Leeway: -time.Second},
		"namespace without a slash":      {Namespaces: map[string]Rules{"chat": {}}},
		"pattern with two stars":         {Namespaces: map[string]Rules{"/": {Users: Grants{Join: []string{"a*b*"}}}}},
		"room of anonymous that is none": {Namespaces: map[string]Rules{"/": {Anonymous: &Grants{Rooms: []string{""}}}}},
	} {
		if _, err := New(cfg, slog.Default()); err == nil {
			t.Errorf("%s: it was taken", name)
		} else if strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v shows the secret", name, err)
		}
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	k := hsKey()
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("key", "key", k, "secret", k.Secret)
	asJSON, err := json.Marshal(map[string]any{"secret": k.Secret})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(k), fmt.Sprintf("%v %+v %#v %s %q", k, k, k, k.Secret, k.Secret), log.String(), string(asJSON)} {
		if strings.Contains(text, secret) || !strings.Contains(text, "***") {
			t.Errorf("%s", text)
		}
	}
}

func TestPublicKeysAreParsedAndNothingElse(t *testing.T) {
	p := pairs()
	good := pemOf(t, &p.rsa.PublicKey)
	if _, err := ParsePublicKey("\n" + good + "\n"); err != nil {
		t.Error(err)
	}
	private := strings.ReplaceAll(good, "PUBLIC", "PRIVATE")
	for name, tt := range map[string]struct{ text, want string }{
		"nothing": {"", "no PEM"}, "no PEM": {secret, "no PEM"}, "private": {private, "private key"}, "two": {good + good, "more than one"},
		"another kind": {strings.ReplaceAll(good, "PUBLIC KEY", "CERTIFICATE REQUEST"), "another kind"}, "broken": {strings.ReplaceAll(good, "MII", "AAA"), "asn1"},
	} {
		if _, err := ParsePublicKey(tt.text); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want one with %q", name, err, tt.want)
		}
	}
}

// TestMemberIsSmall holds what a client with a token costs here: its state, the watch of
// its end, and its share of the grants.
func TestMemberIsSmall(t *testing.T) {
	const n = 4_000
	for _, tt := range []struct {
		name   string
		rooms  func(i int) []string
		budget int64 // bytes
	}{
		{"equal grants", func(int) []string { return []string{"lobby"} }, 200},
		{"grants of one's own", func(i int) []string { return []string{fmt.Sprint("room:", i)} }, 700},
	} {
		a := build(t, Config{Keys: []Key{hsKey()}})
		tokens := make([]json.RawMessage, n)
		for i := range tokens {
			tokens[i] = auth(hs(t, jwt.MapClaims{"sub": fmt.Sprint("user-", i), "rooms": tt.rooms(i), "allow": map[string]any{"join": []string{"tea:*"}, "publish": []string{"tea:*"}}}))
		}
		members := make([]*Member, n)
		var nobody Connection = newClient()
		before := heapBytes()
		for i, token := range tokens {
			m, err := a.Admit(t.Context(), "/", token)
			if err != nil {
				t.Fatal(err)
			}
			a.Enter(m, nobody)
			members[i] = m
		}
		each := (heapBytes() - before) / n
		runtime.KeepAlive(tokens)
		t.Logf("%s: %d bytes for each member, %d different grants", tt.name, each, a.Stats().Shared)
		if each > tt.budget {
			t.Errorf("%s: a member costs %d bytes, want at most %d", tt.name, each, tt.budget)
		}
		for m := range slices.Values(members) {
			a.Leave(m)
		}
		if a.Stats().Shared != 0 {
			t.Errorf("%s: %d grants are left", tt.name, a.Stats().Shared)
		}
		clear(members)
	}
}

func heapBytes() int64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestAskingForARoomAllocatesNothing(t *testing.T) {
	a := build(t, Config{Keys: []Key{hsKey()}})
	m, code := a.admit(t, hs(t, jwt.MapClaims{"allow": map[string]any{"publish": []string{"tea:*", "coffee"}}}))
	if code != "" {
		t.Fatalf("%q", code)
	}
	if n := testing.AllocsPerRun(100, func() { _ = m.May(Publish, "coffee") && m.May(Publish, "milk") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestRefusalsTellTheirCodeAndNoMore(t *testing.T) {
	a := build(t, Config{Keys: []Key{hsKey()}})
	_, err := a.Admit(t.Context(), "/", auth("hunter2.hunter2.hunter2"))
	var refused *Refusal
	if !errors.As(err, &refused) || refused.Error() != messages[CodeInvalid] || strings.Contains(refused.Reason, "hunter2") {
		t.Errorf("%v, %+v", err, refused)
	}
}
