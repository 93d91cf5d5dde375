package access

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

// patience bounds every wait of a test for something that must happen.
const patience = 10 * time.Second

const secret = "0123456789abcdef0123456789abcdef"

// pairs are keys of each kind, made once.
var pairs = sync.OnceValue(func() (p struct {
	rsa, other *rsa.PrivateKey
	ec         *ecdsa.PrivateKey
	ed         ed25519.PrivateKey
}) {
	var err [4]error
	p.rsa, err[0] = rsa.GenerateKey(rand.Reader, 2048)
	p.other, err[1] = rsa.GenerateKey(rand.Reader, 2048)
	p.ec, err[2] = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, p.ed, err[3] = ed25519.GenerateKey(rand.Reader)
	if e := errors.Join(err[:]...); e != nil {
		panic(e)
	}
	return p
})

// good are claims that nothing is wrong with; more replaces some, nil leaves them out.
func good(more jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{"sub": "42", "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(c, more)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

// sign makes a token. header adds to its header.
func sign(t testing.TB, method jwt.SigningMethod, key any, c jwt.MapClaims, header map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, c)
	maps.Copy(token.Header, header)
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// hs is a token signed with secret.
func hs(t testing.TB, more jwt.MapClaims) string {
	t.Helper()
	return sign(t, jwt.SigningMethodHS256, []byte(secret), good(more), nil)
}

func hsKey() Key { return Key{Name: "app", Algorithms: []string{"HS256"}, Secret: secret} }

// auth is the auth object of a CONNECT with a token.
func auth(token string) json.RawMessage {
	raw, err := json.Marshal(map[string]string{"token": token})
	if err != nil {
		panic(err)
	}
	return raw
}

// build is an Access that is not run.
func build(t testing.TB, cfg Config) *Access {
	t.Helper()
	a, err := New(cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// running is an Access that runs until the test ends.
func running(t testing.TB, cfg Config) *Access {
	t.Helper()
	a := build(t, cfg)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return a
}

// admit asks for "/" with a token, and returns the code of a refusal.
func (a *Access) admit(t testing.TB, token string) (*Member, Code) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return outcome(t, func() (*Member, error) { return a.Admit(ctx, "/", auth(token)) })
}

func outcome(t testing.TB, do func() (*Member, error)) (*Member, Code) {
	t.Helper()
	m, err := do()
	if err == nil {
		return m, ""
	}
	var refused *Refusal
	if !errors.As(err, &refused) || m != nil {
		t.Fatalf("%v, %v: want a Refusal", m, err)
	}
	return nil, refused.Code
}

// pemOf is a public key as configurations have it.
func pemOf(t testing.TB, public crypto.PublicKey) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// jwk is a public key as an entry of a set.
func jwk(t testing.TB, id string, public crypto.PublicKey, alg jwkset.ALG) jwkset.JWKMarshal {
	t.Helper()
	key, err := jwkset.NewJWKFromKey(public, jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: id, ALG: alg, USE: jwkset.UseSig}})
	if err != nil {
		t.Fatal(err)
	}
	return key.Marshal()
}

// setOf is the JSON of a set.
func setOf(t testing.TB, keys ...jwkset.JWKMarshal) string {
	t.Helper()
	raw, err := json.Marshal(jwkset.JWKSMarshal{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// client is a connection that notes when it is sent away.
type client struct{ gone chan struct{} }

func newClient() *client { return &client{make(chan struct{})} }

func (c *client) SendAway() { close(c.gone) }

func (c *client) isGone() bool {
	select {
	case <-c.gone:
		return true
	default:
		return false
	}
}
