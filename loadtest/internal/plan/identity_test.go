package plan

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func keyFile(t *testing.T, private any) string {
	t.Helper()
	raw, ok := private.([]byte)
	if !ok {
		der, err := x509.MarshalPKCS8PrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		raw = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	}
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func keys(t *testing.T) map[string]any {
	t.Helper()
	rs, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	es, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"HS256": []byte("secret\n"), "RS256": rs, "ES256": es, "EdDSA": ed}
}

// public is the key that a server checks with.
func public(private any) any {
	if k, ok := private.(crypto.Signer); ok {
		return k.Public()
	}
	return []byte("secret") // without the newline at the file's end
}

func TestTokensAreSignedForEachClient(t *testing.T) {
	for algorithm, private := range keys(t) {
		t.Run(algorithm, func(t *testing.T) {
			p := Plan{
				Auth:  map[string]any{"token": "{token}", "room": "lobby"},
				Token: &Token{Algorithm: algorithm, KeyFile: keyFile(t, private), Claims: map[string]any{"sub": "user-{client}", "rooms": []any{"a"}}, Lifetime: time.Hour},
			}
			ids, err := p.Identities()
			if err != nil {
				t.Fatal(err)
			}
			raw, err := ids.Auth(17)
			if err != nil {
				t.Fatal(err)
			}
			var auth struct{ Token, Room string }
			if err := json.Unmarshal(raw, &auth); err != nil || auth.Room != "lobby" {
				t.Fatalf("%s: %v", raw, err)
			}
			claims := jwt.MapClaims{}
			_, err = jwt.ParseWithClaims(auth.Token, claims, func(*jwt.Token) (any, error) { return public(private), nil }, jwt.WithValidMethods([]string{algorithm}), jwt.WithExpirationRequired(), jwt.WithIssuedAt())
			if err != nil {
				t.Fatal(err)
			}
			if claims["sub"] != "user-17" || !reflect.DeepEqual(claims["rooms"], []any{"a"}) || claims["exp"].(float64)-claims["iat"].(float64) != 3600 {
				t.Errorf("claims %v", claims)
			}
		})
	}
}

func TestKeyOfAnotherKindIsRefused(t *testing.T) {
	all := keys(t)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for algorithm, private := range map[string]any{"HS256": []byte("\n"), "RS256": all["ES256"], "ES256": p384, "EdDSA": all["HS256"]} {
		p := Plan{Token: &Token{Algorithm: algorithm, KeyFile: keyFile(t, private)}}
		if _, err := p.Identities(); err == nil || !strings.Contains(err.Error(), "token.key_file") || strings.Contains(err.Error(), "secret\n") {
			t.Errorf("%s: %v", algorithm, err)
		}
	}
}

func TestHeadersHavePlaceholders(t *testing.T) {
	p := Plan{Header: map[string]string{"x-client": "no {client}", "Cookie": `a="b"`}}
	ids, err := p.Identities()
	if err != nil {
		t.Fatal(err)
	}
	h, err := ids.Header(3)
	if err != nil || h.Get("X-Client") != "no 3" || h.Get("Cookie") != `a="b"` {
		t.Errorf("%v, %v", h, err)
	}
	if auth, err := ids.Auth(3); auth != nil || err != nil {
		t.Errorf("auth %q, %v: want none", auth, err)
	}
}

func TestTokenInAHeaderNeedsNoAuth(t *testing.T) {
	p := mustLoad(t, withKey(t, "groups: [{scenario: idle}]\nheader: {Authorization: 'Bearer {token}'}\ntoken: {key_file: KEY}"))
	if p.Auth != nil {
		t.Errorf("auth %v", p.Auth)
	}
	ids, err := p.Identities()
	if err != nil {
		t.Fatal(err)
	}
	if h, err := ids.Header(1); err != nil || strings.Count(h.Get("Authorization"), ".") != 2 {
		t.Errorf("%v, %v", h, err)
	}
}
