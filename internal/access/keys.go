package access

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
)

// The least and the most that an RSA key may have, in bits: shorter ones are not safe
// (RFC 7518, 3.3), longer ones make every check of a token dear.
const (
	leastRSA = 2048
	mostRSA  = 8192
)

var (
	// Algorithms are all that may be pinned to a key.
	Algorithms = slices.Concat(symmetric, asymmetric)

	symmetric  = []string{"HS256", "HS384", "HS512"}
	asymmetric = []string{"RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "EdDSA"}
)

// CheckAlgorithm reports whether tokens that name alg can be checked with k. A secret must
// be as long as the algorithm's hash (RFC 7518, 3.2).
func (k *Key) CheckAlgorithm(alg string) bool {
	switch {
	case k.Secret != "":
		least := map[string]int{"HS256": 32, "HS384": 48, "HS512": 64}[alg]
		return least > 0 && len(k.Secret) >= least
	case k.Public != nil:
		return fits(k.Public, alg)
	}
	return slices.Contains(asymmetric, alg)
}

// fits reports whether a public key is one for alg, and a safe one.
func fits(public crypto.PublicKey, alg string) bool {
	switch key := public.(type) {
	case *rsa.PublicKey:
		bits := key.N.BitLen()
		return strings.HasPrefix(alg, "RS") && bits >= leastRSA && bits <= mostRSA
	case *ecdsa.PublicKey:
		return alg == map[int]string{256: "ES256", 384: "ES384", 521: "ES512"}[key.Curve.Params().BitSize]
	case ed25519.PublicKey:
		return alg == "EdDSA"
	}
	return false
}

var (
	errNoPEM      = errors.New("no PEM block")
	errPrivate    = errors.New("a private key, which must not leave who makes tokens")
	errKindOfPEM  = errors.New("a PEM block of another kind")
	errKindOfKey  = errors.New("a key of another kind")
	errTooManyPEM = errors.New("more than one PEM block")
)

// ParsePublicKey reads a public key in PEM form: PUBLIC KEY, RSA PUBLIC KEY, or that
// of a CERTIFICATE, whose own dates and signature do not matter.
func ParsePublicKey(text string) (crypto.PublicKey, error) {
	block, rest := pem.Decode([]byte(text))
	switch {
	case block == nil:
		return nil, errNoPEM
	case strings.HasSuffix(block.Type, "PRIVATE KEY"):
		return nil, errPrivate
	case strings.TrimSpace(string(rest)) != "":
		return nil, errTooManyPEM
	}
	var public crypto.PublicKey
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		public, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		public, err = x509.ParsePKCS1PublicKey(block.Bytes)
	case "CERTIFICATE":
		var c *x509.Certificate
		if c, err = x509.ParseCertificate(block.Bytes); err == nil {
			public = c.PublicKey
		}
	default:
		return nil, errKindOfPEM
	}
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(asymmetric, func(alg string) bool { return fits(public, alg) }) {
		return nil, errKindOfKey
	}
	return public, nil
}

// CheckURL reports whether s may name a set of keys: whoever could change one on its way
// could let anybody in, so it is https, but for this machine.
func CheckURL(s string) bool {
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}
