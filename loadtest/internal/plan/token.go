package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// algorithms are those that tokens are signed with, and how their keys are read.
var algorithms = []struct {
	name   string
	method jwt.SigningMethod
	key    func([]byte) (any, error)
}{
	{"HS256", jwt.SigningMethodHS256, readSecret},
	{"RS256", jwt.SigningMethodRS256, func(b []byte) (any, error) { return jwt.ParseRSAPrivateKeyFromPEM(b) }},
	{"ES256", jwt.SigningMethodES256, readP256},
	{"EdDSA", jwt.SigningMethodEdDSA, func(b []byte) (any, error) { return jwt.ParseEdPrivateKeyFromPEM(b) }},
}

func readSecret(b []byte) (any, error) {
	if b = bytes.TrimRight(b, "\r\n"); len(b) == 0 {
		return nil, errors.New("no secret")
	}
	return b, nil
}

// readP256 refuses keys of the other curves, which would fail only at the first token.
func readP256(b []byte) (any, error) {
	key, err := jwt.ParseECPrivateKeyFromPEM(b)
	if err == nil && key.Curve.Params().BitSize != jwt.SigningMethodES256.CurveBits {
		err = errors.New("another curve")
	}
	return key, err
}

// Key reads the key, of 64 KiB at most.
func (t *Token) Key() ([]byte, error) {
	if t.key != nil {
		return t.key, nil
	}
	raw, err := readFile(t.KeyFile, maxKeyBytes)
	if err != nil {
		return nil, refuse("token.key_file", t.KeyFile, "a file that can be read (%v)", err)
	}
	return raw, nil
}

// SetKey gives the key, where the file is not: on another machine. It is in no result.
func (t *Token) SetKey(key []byte) { t.key = append([]byte{}, key...) }

// signer makes a client's token.
type signer struct {
	method   jwt.SigningMethod
	key      any
	claims   template
	lifetime time.Duration
}

// maxKeyBytes bounds a key's file.
const maxKeyBytes = 1 << 16

// signer reads the key. The file's content is never part of an error.
func (t *Token) signer() (*signer, error) {
	names := make([]string, len(algorithms))
	for i, a := range algorithms {
		names[i] = a.name
		if a.name != t.Algorithm {
			continue
		}
		raw, err := t.Key()
		if err != nil {
			return nil, err
		}
		key, err := a.key(raw)
		if err != nil {
			return nil, refuse("token.key_file", t.KeyFile, "%s", keyKind(a.name))
		}
		claims, err := compileJSON("token.claims", orEmpty(t.Claims), "", holeClient)
		if err != nil {
			return nil, err
		}
		return &signer{method: a.method, key: key, claims: claims, lifetime: t.Lifetime}, nil
	}
	return nil, refuse("token.algorithm", t.Algorithm, "%s", strings.Join(names, ", "))
}

func keyKind(algorithm string) string {
	if algorithm == "HS256" {
		return "a file with a secret in it"
	}
	return "a PEM file with a private key for " + algorithm
}

func orEmpty(m map[string]any) map[string]any {
	if m == nil {
		return map[string]any{}
	}
	return m
}

// sign makes the token of a client, from now on for its lifetime.
func (s *signer) sign(client int, now time.Time) (string, error) {
	claims := jwt.MapClaims{}
	if err := json.Unmarshal(s.claims.append(nil, &values{client: client}), &claims); err != nil {
		return "", fmt.Errorf("claims: %w", err)
	}
	claims["iat"] = jwt.NewNumericDate(now)
	claims["exp"] = jwt.NewNumericDate(now.Add(s.lifetime))
	token, err := jwt.NewWithClaims(s.method, claims).SignedString(s.key)
	if err != nil {
		return "", fmt.Errorf("sign token: %w", err)
	}
	return token, nil
}
