package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/causeway-rt/causeway/internal/access"
	"github.com/causeway-rt/causeway/internal/gateway"
)

// readAccess reads who may connect, and what clients may do.
func readAccess(m *mapping, cfg *gateway.Config) {
	c := &access.Config{Leeway: m.duration("leeway", 0, 0, 5*time.Minute)}
	anonymous := false
	for _, k := range m.mappings("keys", access.MaxKeys) {
		c.Keys = append(c.Keys, readKey(k))
	}
	for _, n := range m.dictionary("namespaces", "a name such as / or /chat, without , and ?", access.MaxNamespaces, access.CheckNamespace) {
		rules := readRules(n.mapping)
		anonymous = anonymous || rules.Anonymous != nil
		if c.Namespaces == nil {
			c.Namespaces = map[string]access.Rules{}
		}
		c.Namespaces[n.name] = rules
	}
	if len(c.Keys) == 0 && !anonymous {
		m.refuse("keys", "a key to check tokens with, or anonymous in a namespace: nobody could connect otherwise")
	}
	m.done()
	cfg.Access = c
}

func readRules(m *mapping) access.Rules {
	var rules access.Rules
	if users := m.mapping("users"); users != nil {
		rules.Users = readGrants(users)
	}
	if anonymous := m.mapping("anonymous"); anonymous != nil {
		g := readGrants(anonymous)
		rules.Anonymous = &g
	}
	m.done()
	return rules
}

// readGrants reads rooms and patterns in the form that they have in a token.
func readGrants(m *mapping) access.Grants {
	g := access.Grants{Rooms: m.texts("rooms", "a room of 1 to 256 bytes, without *", access.MaxPatterns, access.CheckRoom)}
	if allow := m.mapping("allow"); allow != nil {
		patterns := func(key string) []string {
			return allow.texts(key, "a room, with one * at most, or **", access.MaxPatterns, access.CheckPattern)
		}
		g.Join, g.Leave, g.Publish = patterns("join"), patterns("leave"), patterns("publish")
		allow.done()
	}
	m.done()
	return g
}

// readKey reads what tokens are checked with.
func readKey(m *mapping) access.Key {
	short := func(s string) bool { return s != "" && len(s) <= access.MaxNameBytes }
	k := access.Key{
		Name:   m.text("name", "a name for logs, of 1 to 256 bytes", short),
		ID:     m.text("kid", "the kid of the tokens, of 1 to 256 bytes", short),
		Secret: access.Secret(m.secret("secret", "a secret of 32 bytes or more", func(s string) bool { return len(s) >= 32 })),
		JWKS:   m.text("jwks_url", "an https:// address, without user and password; http:// on this machine only", access.CheckURL),
		// A set is asked for at most every jwks_interval, for whatever reason.
		Refresh:  m.duration("jwks_refresh", 0, time.Second, 24*time.Hour),
		Interval: m.duration("jwks_interval", 0, time.Second, 24*time.Hour),
		Issuer:   m.text("issuer", "the iss that tokens must have, of 1 to 256 bytes", short),
		Audience: m.texts("audience", "an aud that tokens may have, of 1 to 256 bytes", access.MaxPatterns, short),
	}
	text := m.secret("public_key", "one public key in PEM form", func(s string) bool {
		_, err := access.ParsePublicKey(s)
		return err == nil
	})
	if text != "" {
		k.Public, _ = access.ParsePublicKey(text) // looked at above
	}
	k.Algorithms = m.texts("algorithms", "one of "+allAlgorithms, len(access.Algorithms), func(s string) bool { return slices.Contains(access.Algorithms, s) })
	m.done()
	if m.doc.err == nil {
		checkKey(m, &k)
	}
	return k
}

var allAlgorithms = strings.Join(access.Algorithms, ", ")

// checkKey checks what depends on several keys of m. There are no default algorithms: one
// that a token may choose should be one that somebody meant.
func checkKey(m *mapping, k *access.Key) {
	kinds := 0
	for _, key := range []string{"secret", "secret_file", "public_key", "public_key_file", "jwks_url"} {
		if m.has(key) {
			kinds++
		}
	}
	switch {
	case !m.has("name"):
		m.refuse("name", "a name for logs")
	case kinds != 1:
		m.doc.fail(m.line, m.key, fmt.Sprintf("%d keys in one; want one of secret, public_key (both also with _file) and jwks_url", kinds))
	case len(k.Algorithms) == 0:
		m.refuse("algorithms", "a list of those that tokens may be signed with: "+allAlgorithms)
	}
	for i, alg := range k.Algorithms {
		if !k.CheckAlgorithm(alg) {
			m.doc.fail(m.by["algorithms"].Content[i].Line, fmt.Sprintf("%s[%d]", m.full("algorithms"), i), fmt.Sprintf("%q: want one that fits the key: "+
				"HS256, HS384, HS512 for a secret of 32, 48, 64 bytes; RS for RSA of 2048 to 8192 bits; ES256, ES384, ES512 for P-256, P-384, P-521; EdDSA for Ed25519", alg))
		}
	}
}
