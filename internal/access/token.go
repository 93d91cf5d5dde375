package access

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// key is a Key with what it takes to check a token with it.
type key struct {
	Key
	parser *jwt.Parser
	secret any     // of Key, as []byte; nil if it has none
	set    *keySet // nil if it is no set
}

func newKey(k Key, leeway time.Duration, log *slog.Logger) *key {
	options := []jwt.ParserOption{
		jwt.WithValidMethods(k.Algorithms), jwt.WithExpirationRequired(), jwt.WithLeeway(leeway), jwt.WithStrictDecoding(),
	}
	if len(k.Audience) > 0 {
		options = append(options, jwt.WithAudience(k.Audience...))
	}
	if k.Issuer != "" {
		options = append(options, jwt.WithIssuer(k.Issuer))
	}
	out := &key{Key: k, parser: jwt.NewParser(options...)}
	if k.Secret != "" {
		out.secret = []byte(k.Secret)
	}
	if k.JWKS != "" {
		out.set = newKeySet(k, log)
	}
	return out
}

var (
	errCritical = errors.New("crit in the header") // RFC 7515, 4.1.11: what is not understood must be refused
	errKeyID    = errors.New("another key is meant")
	errBusy     = errors.New("too many tokens are being checked")
)

// turns hands out turns to do what costs time.
type turns interface {
	turn(ctx context.Context) error
	endTurn()
}

// check checks a token with this key.
func (k *key) check(ctx context.Context, token string, of turns) (*claims, Code, error) {
	c, mine := new(claims), false
	defer func() { // also after a panic, which ends one client and must not take a turn along
		if mine {
			of.endTurn()
		}
	}()
	_, err := k.parser.ParseWithClaims(token, c, func(t *jwt.Token) (any, error) {
		public, err := k.find(ctx, t, c)
		if err == nil {
			err = of.turn(ctx)
			mine = err == nil
		}
		return public, err
	})
	if err != nil {
		return nil, k.code(err, c), err
	}
	if err := c.check(); err != nil {
		return nil, CodeClaims, err
	}
	return c, "", nil
}

// find returns what the signature is checked with. Nothing in the token is true yet: its
// issuer only keeps the tokens of others from having a set fetched.
func (k *key) find(ctx context.Context, t *jwt.Token, c *claims) (any, error) {
	if _, critical := t.Header["crit"]; critical {
		return nil, errCritical
	}
	id, isText := t.Header["kid"].(string)
	if _, there := t.Header["kid"]; there && (!isText || len(id) > MaxNameBytes) {
		return nil, errKeyID
	}
	if k.set != nil {
		found, err := k.set.find(ctx, id, k.Issuer == "" || c.Issuer == k.Issuer)
		if err == nil && (!fits(found.public, t.Method.Alg()) || found.alg != "" && found.alg != t.Method.Alg()) {
			err = errKeyID
		}
		return found.public, err
	}
	switch {
	case k.ID != "" && k.ID != id:
		return nil, errKeyID
	case k.secret != nil:
		return k.secret, nil
	}
	return k.Public, nil
}

// code says what a client is told of an error. What a token says of itself counts only
// once its signature is known to be good.
func (k *key) code(err error, c *claims) Code {
	switch {
	case errors.Is(err, errUnavailable), errors.Is(err, errBusy):
		return CodeUnavailable
	case !errors.Is(err, jwt.ErrTokenInvalidClaims), !c.Expires.there:
		return CodeInvalid
	case len(k.Audience) > 0 && !slices.ContainsFunc(k.Audience, func(a string) bool { return slices.Contains(c.Audience, a) }):
		return CodeAudience
	case k.Issuer != "" && c.Issuer != k.Issuer:
		return CodeIssuer
	case errors.Is(err, jwt.ErrTokenExpired):
		return CodeExpired
	case errors.Is(err, jwt.ErrTokenNotValidYet):
		return CodeNotYet
	}
	return CodeInvalid
}
