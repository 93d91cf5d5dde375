package access

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// claims are those of a token. They are no jwt.RegisteredClaims, whose dates are parsed by
// a JSON decoder each: what a token leaves behind lies between what the node keeps, and
// counts as its memory after a burst of connects.
type claims struct {
	Issuer   string           `json:"iss"`
	Subject  string           `json:"sub"`
	Audience jwt.ClaimStrings `json:"aud"`
	Expires  date             `json:"exp"`
	Begins   date             `json:"nbf"`
	Rooms    []string         `json:"rooms"`
	Allow    struct {
		Join    []string `json:"join"`
		Leave   []string `json:"leave"`
		Publish []string `json:"publish"`
	} `json:"allow"`
	// Namespaces are patterns of those that the token is for. A token without is for all.
	Namespaces []string `json:"namespaces"`
}

// What jwt.Claims wants.
func (c *claims) GetExpirationTime() (*jwt.NumericDate, error) { return c.Expires.get(), nil }
func (c *claims) GetNotBefore() (*jwt.NumericDate, error)      { return c.Begins.get(), nil }
func (c *claims) GetIssuedAt() (*jwt.NumericDate, error)       { return nil, nil } // nobody asks
func (c *claims) GetAudience() (jwt.ClaimStrings, error)       { return c.Audience, nil }
func (c *claims) GetIssuer() (string, error)                   { return c.Issuer, nil }
func (c *claims) GetSubject() (string, error)                  { return c.Subject, nil }

// date is a jwt.NumericDate that may be missing.
type date struct {
	jwt.NumericDate
	there bool
}

func (d *date) get() *jwt.NumericDate {
	if !d.there {
		return nil
	}
	return &d.NumericDate
}

// UnmarshalJSON takes what jwt.NumericDate takes. Whole seconds, as nearly all tokens have
// them, cost nothing.
func (d *date) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*d = date{}
		return nil
	}
	d.there = true
	if n, err := strconv.ParseInt(string(text), 10, 64); err == nil && n >= 0 && n <= latest {
		d.Time = time.Unix(n, 0)
		return nil
	}
	return d.NumericDate.UnmarshalJSON(text)
}

// latest is the last end of a token that is believed: the last second of the year 9999.
const latest = 253402300799

func (c *claims) grants() Grants {
	return Grants{Rooms: c.Rooms, Join: c.Allow.Join, Leave: c.Allow.Leave, Publish: c.Allow.Publish}
}

// check says what can't be used of a token that is signed by us.
func (c *claims) check() error {
	switch {
	case !checkName(userPrefix+c.Subject) || c.Subject == "":
		return fmt.Errorf("sub is empty, longer than %d bytes or not UTF-8", MaxNameBytes-len(userPrefix))
	case c.Expires.Unix() > latest:
		return errors.New("exp is beyond the year 9999")
	case len(c.Namespaces) > MaxPatterns || !all(c.Namespaces, CheckPattern):
		return errors.New("namespaces are too many, or no patterns")
	}
	g := c.grants()
	return g.check()
}

// forNamespace reports whether the token is for a namespace.
func (c *claims) forNamespace(name string) bool {
	return c.Namespaces == nil || matchAny(c.Namespaces, name)
}
