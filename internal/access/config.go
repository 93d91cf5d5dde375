package access

import (
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// Config says who may connect.
type Config struct {
	// Keys are what tokens may be signed with: at most MaxKeys. None means that no token is
	// good, so there should be an Anonymous then.
	Keys []Key
	// Leeway is how far this node's clock may be from that of who makes tokens: exp is
	// taken as later, and nbf as earlier. 0 means not at all.
	Leeway time.Duration
	// Namespaces are those that there are, by name. None means "/", for users with a token.
	Namespaces map[string]Rules
}

// Rules are those of a namespace.
type Rules struct {
	// Users are what every client with a token gets, beside what the token says.
	Users Grants
	// Anonymous are what clients without a token get. nil means that they are refused.
	Anonymous *Grants
}

const (
	// MaxKeys bounds Config.Keys: a token may have to be checked with each.
	MaxKeys = 16
	// MaxNamespaces bounds Config.Namespaces.
	MaxNamespaces = 100
	// MaxTokenBytes bounds a token.
	MaxTokenBytes = 8 << 10

	defaultRefresh  = 10 * time.Minute
	defaultInterval = 30 * time.Second
	defaultTimeout  = 5 * time.Second
)

// Key is what tokens are checked with. It has one of Secret, Public and JWKS.
type Key struct {
	// Name is for people.
	Name string
	// ID is the kid of tokens that are signed with it. Empty means any, or none. A set
	// has ids of its own.
	ID string
	// Algorithms are those that tokens may name. They must fit the key: see CheckAlgorithm.
	Algorithms []string

	Secret Secret           // of HS256, HS384 and HS512
	Public crypto.PublicKey // of RS, ES and EdDSA: see ParsePublicKey
	// JWKS is the URL of a set of public keys. It must be https, or on this machine.
	JWKS string

	// Refresh is how old a set may become before it is fetched again. 0 means 10 min.
	Refresh time.Duration
	// Interval is the least time between two requests to JWKS, whatever the reason. 0
	// means 30 s.
	Interval time.Duration
	// Timeout bounds a request. 0 means 5 s.
	Timeout time.Duration

	// Issuer is the iss that tokens must have. Empty means any.
	Issuer string
	// Audience are those that tokens may be for: one of them must be in aud. None means any.
	Audience []string

	// transport is for tests. nil is one's own.
	transport transport
}

// Secret is text that does not show when something that has it is printed.
type Secret string

// String hides the secret.
func (Secret) String() string { return "***" }

// GoString hides the secret.
func (Secret) GoString() string { return `"***"` }

// MarshalText hides the secret.
func (Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }

// LogValue hides the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue("***") }

// CheckNamespace reports whether s is a name of a namespace.
func CheckNamespace(s string) bool {
	return strings.HasPrefix(s, "/") && checkName(s) && !strings.ContainsAny(s, ",?")
}

// check says what is impossible.
func (c *Config) check() error {
	if len(c.Keys) > MaxKeys {
		return fmt.Errorf("%d keys: at most %d", len(c.Keys), MaxKeys)
	}
	if c.Leeway < 0 {
		return fmt.Errorf("leeway is %v: at least 0s", c.Leeway)
	}
	for i, k := range c.Keys {
		if err := k.check(); err != nil {
			return fmt.Errorf("key %d (%s): %w", i, k.Name, err)
		}
	}
	for name, rules := range c.Namespaces {
		if !CheckNamespace(name) {
			return fmt.Errorf("%q is no name of a namespace", name)
		}
		for _, g := range []*Grants{&rules.Users, rules.Anonymous} {
			if g == nil {
				continue
			}
			if err := g.check(); err != nil {
				return fmt.Errorf("namespace %s: %w", name, err)
			}
		}
	}
	return nil
}

var errOneKind = errors.New("want one of a secret, a public key and the URL of a set")

func (k *Key) check() error {
	kinds := 0
	for _, there := range []bool{k.Secret != "", k.Public != nil, k.JWKS != ""} {
		if there {
			kinds++
		}
	}
	switch {
	case kinds != 1:
		return errOneKind
	case len(k.Algorithms) == 0:
		return errors.New("no algorithms")
	case k.JWKS != "" && !CheckURL(k.JWKS):
		return errors.New("the URL of its set must be https, or on this machine")
	case k.Refresh < 0 || k.Interval < 0 || k.Timeout < 0:
		return errors.New("a time below 0")
	}
	for _, alg := range k.Algorithms {
		if !k.CheckAlgorithm(alg) {
			return fmt.Errorf("algorithm %q does not fit it", alg)
		}
	}
	return nil
}
