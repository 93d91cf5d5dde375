package access

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// TestTokensOfEveryAlgorithmAreTaken, with keys as configurations have them.
func TestTokensOfEveryAlgorithmAreTaken(t *testing.T) {
	p := pairs()
	for _, tt := range []struct {
		method  jwt.SigningMethod
		private any
		public  any // nil: a secret
	}{
		{jwt.SigningMethodHS256, []byte(secret + secret), nil}, {jwt.SigningMethodHS384, []byte(secret + secret), nil}, {jwt.SigningMethodHS512, []byte(secret + secret), nil},
		{jwt.SigningMethodRS256, p.rsa, &p.rsa.PublicKey}, {jwt.SigningMethodRS384, p.rsa, &p.rsa.PublicKey}, {jwt.SigningMethodRS512, p.rsa, &p.rsa.PublicKey},
		{jwt.SigningMethodES256, p.ec, &p.ec.PublicKey}, {jwt.SigningMethodEdDSA, p.ed, p.ed.Public()},
	} {
		t.Run(tt.method.Alg(), func(t *testing.T) {
			k := Key{Algorithms: []string{tt.method.Alg()}, Secret: secret + secret}
			if tt.public != nil {
				public, err := ParsePublicKey(pemOf(t, tt.public))
				if err != nil {
					t.Fatal(err)
				}
				k.Secret, k.Public = "", public
			}
			a := build(t, Config{Keys: []Key{k}})
			m, code := a.admit(t, sign(t, tt.method, tt.private, good(nil), nil))
			if code != "" || m.User() != "42" {
				t.Errorf("%q, user %q", code, m.User())
			}
		})
	}
}

// raw is a token of a header, claims and a signature as they are.
func raw(header, claims string, signature []byte) string {
	enc := base64.RawURLEncoding
	return enc.EncodeToString([]byte(header)) + "." + enc.EncodeToString([]byte(claims)) + "." + enc.EncodeToString(signature)
}

// TestTokenRefusals has a row for each way in which a token can be wrong. Each is counted
// under its code, once, and none says more to the client than its code's message.
func TestTokenRefusals(t *testing.T) {
	p := pairs()
	app := hsKey()
	app.Audience, app.Issuer = []string{"chat", "voice"}, "https://login.example"
	public := Key{Name: "public", Algorithms: []string{"RS256", "RS384"}, Public: &p.rsa.PublicKey}
	of := func(more jwt.MapClaims) string {
		c := jwt.MapClaims{"aud": "chat", "iss": "https://login.example"}
		for name, v := range more {
			c[name] = v
		}
		return hs(t, c)
	}
	many := make([]string, MaxPatterns+1)
	for i := range many {
		many[i] = fmt.Sprint("room", i)
	}
	ok := of(nil)
	parts := strings.Split(ok, ".")
	claimsJSON := `{"sub":"42","exp":9999999999,"aud":"chat","iss":"https://login.example"}`
	for _, tt := range []struct {
		name, token string
		want        Code
	}{
		{"nothing wrong", ok, ""},
		{"audience in a list", of(jwt.MapClaims{"aud": []string{"x", "voice"}}), ""},
		{"key with an id", sign(t, jwt.SigningMethodHS256, []byte(secret), good(jwt.MapClaims{"aud": "chat", "iss": "https://login.example"}), map[string]any{"kid": "../../etc/passwd"}), ""},
		{"the second algorithm", sign(t, jwt.SigningMethodRS384, p.rsa, good(nil), nil), ""},

		{"no dots", "hunter2", CodeInvalid},
		{"two parts", parts[0] + "." + parts[1], CodeInvalid},
		{"five parts, as an encrypted one", ok + ".a.b", CodeInvalid},
		{"space in front", " " + ok, CodeInvalid},
		{"line's end after it", ok + "\n", CodeInvalid},
		{"with Bearer", "Bearer " + ok, CodeInvalid},
		{"padded", ok + "=", CodeInvalid},
		{"a million dots", strings.Repeat(".", 1<<20), CodeInvalid},
		{"longer than allowed", of(jwt.MapClaims{"x": strings.Repeat("x", MaxTokenBytes)}), CodeInvalid},
		{"header that is no object", raw(`"a"`, claimsJSON, nil), CodeInvalid},
		{"header that is null", raw(`null`, claimsJSON, nil), CodeInvalid},
		{"claims that are null", raw(`{"alg":"HS256"}`, `null`, nil), CodeInvalid},
		{"claims that are a list", raw(`{"alg":"HS256"}`, `[]`, nil), CodeInvalid},
		{"claims as deep as can be", raw(`{"alg":"HS256"}`, strings.Repeat("[", 5000), nil), CodeInvalid},

		{"alg none", raw(`{"alg":"none"}`, claimsJSON, nil), CodeInvalid},
		{"alg None", raw(`{"alg":"None"}`, claimsJSON, nil), CodeInvalid},
		{"alg that is empty", raw(`{"alg":""}`, claimsJSON, nil), CodeInvalid},
		{"alg that is missing", raw(`{"typ":"JWT"}`, claimsJSON, nil), CodeInvalid},
		{"alg that is a number", raw(`{"alg":256}`, claimsJSON, nil), CodeInvalid},
		{"alg of the kind, but not pinned", sign(t, jwt.SigningMethodHS512, []byte(secret), good(nil), nil), CodeInvalid},
		{"alg of another kind", sign(t, jwt.SigningMethodES256, p.ec, good(nil), nil), CodeInvalid},
		{"HS256 with the public key as the secret", sign(t, jwt.SigningMethodHS256, []byte(pemOf(t, &p.rsa.PublicKey)), good(nil), nil), CodeInvalid},
		{"RS256 with another key", sign(t, jwt.SigningMethodRS256, p.other, good(nil), nil), CodeInvalid},
		{"no signature", parts[0] + "." + parts[1] + ".", CodeInvalid},
		{"signature of other claims", parts[0] + "." + base64.RawURLEncoding.EncodeToString([]byte(claimsJSON)) + "." + parts[2], CodeInvalid},
		{"crit in the header", sign(t, jwt.SigningMethodHS256, []byte(secret), good(jwt.MapClaims{"aud": "chat", "iss": "https://login.example"}), map[string]any{"crit": []string{"exp"}}), CodeInvalid},
		{"kid that is a number", sign(t, jwt.SigningMethodHS256, []byte(secret), good(jwt.MapClaims{"aud": "chat"}), map[string]any{"kid": 1}), CodeInvalid},
		{"kid that is long", sign(t, jwt.SigningMethodHS256, []byte(secret), good(jwt.MapClaims{"aud": "chat"}), map[string]any{"kid": strings.Repeat("k", 300)}), CodeInvalid},

		{"no exp", of(jwt.MapClaims{"exp": nil}), CodeInvalid},
		{"exp that is a number in quotes", of(jwt.MapClaims{"exp": "1"}), CodeExpired},
		{"exp that is a text", of(jwt.MapClaims{"exp": "tomorrow"}), CodeInvalid},
		{"exp that is null", raw(`{"alg":"HS256"}`, strings.Replace(claimsJSON, "9999999999", "null", 1), nil), CodeInvalid},
		{"expired", of(jwt.MapClaims{"exp": time.Now().Add(-time.Second).Unix()}), CodeExpired},
		{"expired and badly signed", strings.TrimSuffix(of(jwt.MapClaims{"exp": 1}), "A") + "AAAA", CodeInvalid},
		{"exp of zero", of(jwt.MapClaims{"exp": 0}), CodeExpired},
		{"exp below zero", of(jwt.MapClaims{"exp": -1e18}), CodeExpired},
		{"exp beyond all years", of(jwt.MapClaims{"exp": 1e17}), CodeClaims},
		{"not valid yet", of(jwt.MapClaims{"nbf": time.Now().Add(time.Minute).Unix()}), CodeNotYet},

		{"no audience", of(jwt.MapClaims{"aud": nil}), CodeAudience},
		{"another audience", of(jwt.MapClaims{"aud": "admin"}), CodeAudience},
		{"list of other audiences", of(jwt.MapClaims{"aud": []string{"admin", "chats"}}), CodeAudience},
		{"empty list of audiences", of(jwt.MapClaims{"aud": []string{}}), CodeAudience},
		{"no issuer", of(jwt.MapClaims{"iss": nil}), CodeIssuer},
		{"another issuer", of(jwt.MapClaims{"iss": "https://login.example.evil"}), CodeIssuer},

		{"no user", of(jwt.MapClaims{"sub": nil}), CodeClaims},
		{"user of nothing", of(jwt.MapClaims{"sub": ""}), CodeClaims},
		{"user with a long name", of(jwt.MapClaims{"sub": strings.Repeat("x", MaxNameBytes)}), CodeClaims},
		{"user that is a number", of(jwt.MapClaims{"sub": 42}), CodeInvalid},
		{"rooms that are a text", of(jwt.MapClaims{"rooms": "lobby"}), CodeInvalid},
		{"too many rooms", of(jwt.MapClaims{"rooms": many}), CodeClaims},
		{"room of nothing", of(jwt.MapClaims{"rooms": []string{""}}), CodeClaims},
		{"room that is a pattern", of(jwt.MapClaims{"rooms": []string{"tea:*"}}), CodeClaims},
		{"too many patterns", of(jwt.MapClaims{"allow": map[string]any{"publish": many}}), CodeClaims},
		{"pattern with two stars", of(jwt.MapClaims{"allow": map[string]any{"join": []string{"a*b*"}}}), CodeClaims},
		{"pattern that is long", of(jwt.MapClaims{"allow": map[string]any{"leave": []string{strings.Repeat("x", 257)}}}), CodeClaims},
		{"another namespace", of(jwt.MapClaims{"namespaces": []string{"/admin"}}), CodeNamespace},
		{"no namespace", of(jwt.MapClaims{"namespaces": []string{}}), CodeNamespace},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := build(t, Config{Keys: []Key{app, public}})
			m, code := a.admit(t, tt.token)
			if code != tt.want {
				t.Fatalf("%q, want %q", code, tt.want)
			}
			st := a.Stats()
			if tt.want == "" {
				if m.User() != "42" || st.ByToken != 1 {
					t.Errorf("user %q, let in %d", m.User(), st.ByToken)
				}
				return
			}
			for code, n := range st.Refused {
				if want := map[bool]int64{code == tt.want: 1}[true]; n != want {
					t.Errorf("counted %d of %q, want %d", n, code, want)
				}
			}
		})
	}
}

// TestDatesAreThoseOfTheLibrary: whole seconds are read without it, and read alike.
func TestDatesAreThoseOfTheLibrary(t *testing.T) {
	for _, text := range []string{
		"0", "1", "1764284618", "253402300799", "253402300800", "9999999999999999999", "1e3", "1.5", "0.1e1", "-0", "-1", "-1.5", `"5"`, `"5.5"`, `""`, `"x"`, "null", "true", "{}", "[]",
	} {
		var got struct{ At date }
		var want struct{ At *jwt.NumericDate }
		object := []byte(`{"At":` + text + `}`)
		err, wantErr := json.Unmarshal(object, &got), json.Unmarshal(object, &want)
		if (err == nil) != (wantErr == nil) {
			t.Errorf("%s: %v, want %v", text, err, wantErr)
		}
		if err != nil {
			continue
		}
		if at := got.At.get(); (at == nil) != (want.At == nil) || at != nil && !at.Equal(want.At.Time) {
			t.Errorf("%s: %v, want %v", text, at, want.At)
		}
	}
}

func TestAuthWithoutAToken(t *testing.T) {
	closed := build(t, Config{Keys: []Key{hsKey()}})
	opened := build(t, Config{Keys: []Key{hsKey()}, Namespaces: map[string]Rules{"/": {Anonymous: &Grants{Rooms: []string{"lobby"}}}}})
	for auth, want := range map[string]Code{
		``: CodeMissing, `{}`: CodeMissing, `{"token":null}`: CodeMissing, `{"token":""}`: CodeMissing, `{"Authorization":"x"}`: CodeMissing,
		`{"token":7}`: CodeInvalid, `{"token":["x"]}`: CodeInvalid, `{"token":{}}`: CodeInvalid, `{"token":"x"}`: CodeInvalid,
	} {
		var object json.RawMessage
		if auth != "" {
			object = json.RawMessage(auth)
		}
		if _, code := outcome(t, func() (*Member, error) { return closed.Admit(t.Context(), "/", object) }); code != want {
			t.Errorf("%s: %q, want %q", auth, code, want)
		}
		m, code := outcome(t, func() (*Member, error) { return opened.Admit(t.Context(), "/", object) })
		if want == CodeMissing {
			if code != "" || m.User() != "" || fmt.Sprint(m.Rooms()) != "[lobby]" {
				t.Errorf("%s where anonymous clients may come: %q", auth, code)
			}
		} else if code != want { // a bad token is not as good as none
			t.Errorf("%s where anonymous clients may come: %q, want %q", auth, code, want)
		}
	}
}

func TestLeewayForgivesClocks(t *testing.T) {
	a := build(t, Config{Keys: []Key{hsKey()}, Leeway: time.Minute})
	for name, tt := range map[string]struct {
		claims jwt.MapClaims
		want   Code
	}{
		"ended just now":        {jwt.MapClaims{"exp": time.Now().Add(-30 * time.Second).Unix()}, ""},
		"begins in a moment":    {jwt.MapClaims{"nbf": time.Now().Add(30 * time.Second).Unix()}, ""},
		"ended minutes ago":     {jwt.MapClaims{"exp": time.Now().Add(-2 * time.Minute).Unix()}, CodeExpired},
		"begins in two minutes": {jwt.MapClaims{"nbf": time.Now().Add(2 * time.Minute).Unix()}, CodeNotYet},
	} {
		if _, code := a.admit(t, hs(t, tt.claims)); code != tt.want {
			t.Errorf("%s: %q, want %q", name, code, tt.want)
		}
	}
}

// TestKeyOfOneIssuerDoesNotServeAnother: each key has its own issuer, and the same id.
func TestKeyOfOneIssuerDoesNotServeAnother(t *testing.T) {
	p := pairs()
	ours := Key{Name: "a", ID: "1", Algorithms: []string{"RS256"}, Public: &p.rsa.PublicKey, Issuer: "a"}
	theirs := Key{Name: "b", ID: "1", Algorithms: []string{"RS256"}, Public: &p.other.PublicKey, Issuer: "b"}
	a := build(t, Config{Keys: []Key{ours, theirs}})
	header := map[string]any{"kid": "1"}
	for _, tt := range []struct {
		key    any
		issuer string
		want   Code
	}{
		{p.rsa, "a", ""}, {p.other, "b", ""}, {p.rsa, "b", CodeIssuer}, {p.other, "a", CodeIssuer},
	} {
		if _, code := a.admit(t, sign(t, jwt.SigningMethodRS256, tt.key, good(jwt.MapClaims{"iss": tt.issuer}), header)); code != tt.want {
			t.Errorf("%q, want %q", code, tt.want)
		}
	}
	if _, code := a.admit(t, sign(t, jwt.SigningMethodRS256, p.rsa, good(jwt.MapClaims{"iss": "a"}), map[string]any{"kid": "2"})); code != CodeInvalid {
		t.Errorf("another id: %q", code)
	}
}

// TestFloodOfWrongTokensIsBounded: 10,000 wrong tokens cost their checks, no more at a
// time than there are turns, and who has to wait for one too long is told to come back.
func TestFloodOfWrongTokensIsBounded(t *testing.T) {
	a := build(t, Config{Keys: []Key{hsKey()}})
	wrong := hs(t, nil)
	wrong = wrong[:len(wrong)-8] + "AAAAAAAA"
	const flood = 10_000
	began := time.Now()
	for range flood {
		if _, code := a.admit(t, wrong); code != CodeInvalid {
			t.Fatalf("%q", code)
		}
	}
	t.Logf("%v for each wrong token", time.Since(began)/flood)
	if n := a.Stats().Refused[CodeInvalid]; n != flood {
		t.Errorf("counted %d", n)
	}

	for range cap(a.checking) {
		a.checking <- struct{}{} // others are being checked
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, code := outcome(t, func() (*Member, error) { return a.Admit(ctx, "/", auth(wrong)) }); code != CodeUnavailable {
		t.Errorf("without a turn: %q", code)
	}
	if _, code := a.admit(t, "no.token.atall"); code != CodeInvalid {
		t.Errorf("what is no token waited for a turn: %q", code)
	}
}
