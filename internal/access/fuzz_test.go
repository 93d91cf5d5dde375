package access

import (
	"encoding/json"
	"testing"
)

// FuzzTokenWithoutTheKeyIsRefused: whatever is sent, it ends in a refusal.
func FuzzTokenWithoutTheKeyIsRefused(f *testing.F) {
	p := pairs()
	a := build(f, Config{Keys: []Key{hsKey(), {Algorithms: []string{"RS256"}, Public: &p.rsa.PublicKey}}})
	f.Add([]byte(`{"token":"a.b.c"}`))
	f.Add([]byte(`{"token":7}`))
	f.Add([]byte(auth(raw(`{"alg":"none"}`, `{"sub":"42","exp":9999999999}`, nil))))
	f.Add([]byte(auth(raw(`{"alg":"RS256","kid":{}}`, `null`, []byte("x")))))
	f.Add([]byte(auth(hs(f, nil)[:40])))
	f.Fuzz(func(t *testing.T, auth []byte) {
		if m, code := outcome(t, func() (*Member, error) { return a.Admit(t.Context(), "/", auth) }); m != nil || messages[code] == "" {
			t.Errorf("%v, %q", m, code)
		}
	})
}

// FuzzPlainTokenIsWhatADecoderReads: the short way gives what the long one would.
func FuzzPlainTokenIsWhatADecoderReads(f *testing.F) {
	for _, auth := range []string{`{"token":"a.b-c_9"}`, `{"token":""}`, `{"token":"}`, `{"token":"a\u002e"}`, `{"token":"a","token":"b"}`, `{"token":"é"}`, `{"token":"a"} `, `{"Token":"a"}`} {
		f.Add([]byte(auth))
	}
	f.Fuzz(func(t *testing.T, auth []byte) {
		got, ok := plainToken(auth)
		if !ok {
			return
		}
		var want struct{ Token string }
		if err := json.Unmarshal(auth, &want); err != nil || got != want.Token || got == "" {
			t.Errorf("%q: %q, want %q, %v", auth, got, want.Token, err)
		}
	})
}

// FuzzSetOfKeys: what a server answers gives keys that fit, or none.
func FuzzSetOfKeys(f *testing.F) {
	p := pairs()
	f.Add([]byte(setOf(f, jwk(f, "a", &p.rsa.PublicKey, "RS256"), jwk(f, "b", &p.ec.PublicKey, ""), jwk(f, "c", p.ed.Public(), ""))))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"","y":"AA"},{"kty":"RSA","n":"AA","e":"AA"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		keys, err := parseSet(raw, []string{"RS256", "ES256", "EdDSA"})
		if (err == nil) != (len(keys) > 0) || len(keys) > maxSetKeys {
			t.Errorf("%d keys, %v", len(keys), err)
		}
		for id, k := range keys {
			if !fits(k.public, "RS256") && !fits(k.public, "ES256") && !fits(k.public, "EdDSA") {
				t.Errorf("key %q is a %T", id, k.public)
			}
		}
	})
}
