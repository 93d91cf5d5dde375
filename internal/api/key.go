package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
)

// Scope is what a key may be used for.
type Scope string

// The scopes.
const (
	ScopeEmit   Scope = "emit"   // send events
	ScopeManage Scope = "manage" // join, leave, disconnect
	ScopeRead   Scope = "read"   // sockets, rooms, nodes
	ScopeDrain  Scope = "drain"  // stop the node
)

// Scopes lists all of them.
var Scopes = []Scope{ScopeEmit, ScopeManage, ScopeRead, ScopeDrain}

// Key opens the API to whoever sends its secret.
type Key struct {
	// Name is for logs and metrics. No two keys have the same.
	Name string
	// Secret is what is sent as "Authorization: Bearer …".
	Secret string
	// Scopes lists what it may be used for.
	Scopes []Scope
	// Namespaces lists those that it may be used in. Empty means all.
	Namespaces []string
}

// maxUnderWay bounds the requests of one key that are under way. One that gathers acks may be
// so for a minute.
const maxUnderWay = 128

// key is a Key with what is known of its use.
type key struct {
	Key      // without its secret
	sum      [sha256.Size]byte
	underWay atomic.Int64
	answers  answers
}

func newKeys(keys []Key) []*key {
	out := make([]*key, len(keys))
	for i, k := range keys {
		out[i] = &key{sum: sha256.Sum256([]byte(k.Secret)), answers: answers{byID: map[string]*kept{}}}
		out[i].Key = Key{Name: k.Name, Scopes: k.Scopes, Namespaces: k.Namespaces}
	}
	return out
}

// enter reports whether one more request may be under way; leave is its end.
func (k *key) enter() bool {
	if k.underWay.Add(1) > maxUnderWay {
		k.underWay.Add(-1)
		return false
	}
	return true
}

func (k *key) leave() { k.underWay.Add(-1) }

// authorize finds the key, and whether it is for this route. The body has not been read.
func (c *call) authorize() *problem {
	secret, problem := bearer(c.r.Header)
	if problem != nil {
		return problem
	}
	if c.key = c.keyOf(secret); c.key == nil {
		c.cfg.Logger.Warn("api key refused", "from", c.r.RemoteAddr)
		return newProblem(unauthorized, "no such key").with("WWW-Authenticate", `Bearer error="invalid_token"`)
	}
	if !slices.Contains(c.key.Scopes, c.route.scope) {
		return newProblem(forbidden, "it needs the scope %s", c.route.scope)
	}
	return nil
}

// bearer returns the secret of a request. One in the address would be in the logs of
// every proxy, and is not looked for.
func bearer(h http.Header) (string, *problem) {
	values := h.Values("Authorization")
	if len(values) == 1 {
		scheme, secret, _ := strings.Cut(values[0], " ")
		if strings.EqualFold(scheme, "Bearer") && secret != "" {
			return secret, nil
		}
	}
	return "", newProblem(unauthorized, "send a key in the header Authorization: Bearer …").with("WWW-Authenticate", "Bearer")
}

// keyOf takes the same time whichever key it is, and how much of a wrong one is right.
func (c *call) keyOf(secret string) (found *key) {
	sum := sha256.Sum256([]byte(secret))
	for _, k := range c.keys {
		if subtle.ConstantTimeCompare(sum[:], k.sum[:]) == 1 {
			found = k
		}
	}
	return found
}

// keyName is the name of the request's key, for people.
func (c *call) keyName() string {
	if c.key == nil {
		return "none"
	}
	return c.key.Name
}

// mayUse says that the key is not for a namespace.
func (c *call) mayUse(namespace string) *problem {
	if len(c.key.Namespaces) > 0 && !slices.Contains(c.key.Namespaces, namespace) {
		p := newProblem(forbidden, "the key is not for this namespace")
		p.Field = "namespace"
		return p
	}
	return nil
}
