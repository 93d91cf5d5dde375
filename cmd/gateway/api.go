package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/causeway-rt/causeway/internal/gateway"
)

const (
	maxAPIKeys       = 64
	maxKeyNamespaces = 100
	// leastAPIKey is how many bytes a key has at least, as --cluster-key.
	leastAPIKey = 16
)

// apiKeyName keeps the names fit for the labels of metrics.
var apiKeyName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// readAPI reads the section api.
func readAPI(m *mapping, cfg *gateway.Config) {
	scopes := make([]string, len(gateway.APIScopes))
	for i, s := range gateway.APIScopes {
		scopes[i] = string(s)
	}
	for _, k := range m.mappings("keys", maxAPIKeys) {
		key := gateway.APIKey{
			Name: k.text("name", "up to 64 of a-z, 0-9, _ and -", apiKeyName.MatchString),
			Secret: k.secret("key", fmt.Sprintf("a secret of %d bytes or more, without spaces", leastAPIKey), func(s string) bool {
				return len(s) >= leastAPIKey && !strings.ContainsFunc(s, notInHeader)
			}),
			Namespaces: k.texts("namespaces", "a text that begins with /", maxKeyNamespaces, func(s string) bool { return strings.HasPrefix(s, "/") }),
		}
		for _, s := range k.texts("scopes", strings.Join(scopes, ", "), len(scopes), func(s string) bool { return slices.Contains(scopes, s) }) {
			key.Scopes = append(key.Scopes, gateway.APIScope(s))
		}
		for _, needed := range []struct {
			name    string
			missing bool
		}{{"name", key.Name == ""}, {"key", key.Secret == ""}, {"scopes", len(key.Scopes) == 0}} {
			if needed.missing {
				k.refuse(needed.name, "one that is not empty")
			}
		}
		for _, other := range cfg.APIKeys {
			if other.Name == key.Name {
				k.refuse("name", "another one than that of the other keys")
			}
			if other.Secret == key.Secret {
				k.refuse("key", "another one than that of "+other.Name)
			}
		}
		k.done()
		cfg.APIKeys = append(cfg.APIKeys, key)
	}
	m.done()
}

// notInHeader says which characters can't be sent as a bearer token.
func notInHeader(r rune) bool { return r <= ' ' || r > '~' }
