package plan

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Identities are what clients show of themselves when they connect. They may be used
// by several goroutines at once.
type Identities struct {
	auth   template // nil: none
	header []headerTemplate
	signer *signer // nil: no tokens
}

type headerTemplate struct {
	name  string
	value template
}

// Identities compiles auth, headers and tokens, and reads the key.
func (p *Plan) Identities() (ids *Identities, err error) {
	ids = &Identities{}
	holes := []string{holeClient}
	if p.Token != nil {
		holes = append(holes, holeToken)
		if ids.signer, err = p.Token.signer(); err != nil {
			return nil, err
		}
	}
	if p.Auth != nil {
		if ids.auth, err = compileJSON("auth", p.Auth, "", holes...); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Header)) {
		value := p.Header[name]
		if !isHeaderName(name) || strings.ContainsAny(value, "\r\n\x00") {
			return nil, refuse("header", name, "a header such as Authorization: Bearer {token}, on one line")
		}
		t, err := compileText("header", value, holes...)
		if err != nil {
			return nil, err
		}
		ids.header = append(ids.header, headerTemplate{name, t})
	}
	return ids, nil
}

// isHeaderName takes a token of RFC 9110 that is not the handshake's own.
func isHeaderName(name string) bool {
	for _, own := range []string{"Host", "Connection", "Upgrade", "Content-Length", "Transfer-Encoding"} {
		if http.CanonicalHeaderKey(name) == own {
			return false
		}
	}
	return name != "" && len(name) <= 256 && !strings.ContainsFunc(name, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	})
}

// Auth returns the JSON object of a client's CONNECT packet, with a new token; nil if
// there is none.
func (ids *Identities) Auth(client int) ([]byte, error) {
	if ids.auth == nil {
		return nil, nil
	}
	v, err := ids.values(ids.auth, client)
	if err != nil {
		return nil, err
	}
	return ids.auth.append(nil, v), nil
}

// Header returns the headers of a client's handshakes.
func (ids *Identities) Header(client int) (http.Header, error) {
	h := make(http.Header, len(ids.header))
	for _, t := range ids.header {
		v, err := ids.values(t.value, client)
		if err != nil {
			return nil, err
		}
		h[http.CanonicalHeaderKey(t.name)] = []string{string(t.value.append(nil, v))}
	}
	return h, nil
}

// values signs a token if t has one.
func (ids *Identities) values(t template, client int) (*values, error) {
	v := &values{client: client}
	if t.has(holeToken) {
		token, err := ids.signer.sign(client, time.Now())
		if err != nil {
			return nil, err
		}
		v.token = []byte(token)
	}
	return v, nil
}
