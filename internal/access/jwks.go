package access

import (
	"context"
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/MicahParks/jwkset"
)

const (
	// maxSetBytes bounds the answer of a server of keys, maxSetKeys the keys in it.
	maxSetBytes = 1 << 20
	maxSetKeys  = 100
)

// setKey is a key of a set.
type setKey struct {
	public crypto.PublicKey
	alg    string // that it is for; empty if the set does not say
}

// transport is what an http.Client needs.
type transport = http.RoundTripper

// newTransport makes a connection for each request: there is one in minutes.
func newTransport() transport {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.DisableKeepAlives = true
	t.DisableCompression = true
	t.MaxResponseHeaderBytes = 64 << 10
	return t
}

// refuseRedirect keeps a request where the configuration sent it.
func refuseRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

var (
	errSetTooLarge = fmt.Errorf("the answer is larger than %d bytes", maxSetBytes)
	errNoSet       = errors.New("no set of keys")
	errNoKey       = errors.New("no key in the set fits the algorithms")
)

// fetchSet asks for a set of keys.
func fetchSet(ctx context.Context, client *http.Client, url string, algorithms []string) (map[string]setKey, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", response.StatusCode)
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxSetBytes+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxSetBytes {
		return nil, errSetTooLarge
	}
	return parseSet(raw, algorithms)
}

// parseSet returns the keys that can be used with the algorithms, by their ids. Others are
// left out: a set may have keys that encrypt, or of kinds that are not known yet.
func parseSet(raw []byte, algorithms []string) (map[string]setKey, error) {
	var set jwkset.JWKSMarshal
	if json.Unmarshal(raw, &set) != nil || set.Keys == nil {
		return nil, errNoSet // without the reason, which may quote the answer
	}
	if len(set.Keys) > maxSetKeys {
		return nil, fmt.Errorf("%d keys in the set: at most %d", len(set.Keys), maxSetKeys)
	}
	keys := map[string]setKey{}
	for _, entry := range set.Keys {
		public := publicKey(entry)
		usable := slices.ContainsFunc(algorithms, func(alg string) bool {
			return fits(public, alg) && (entry.ALG == "" || entry.ALG.String() == alg)
		})
		if _, twice := keys[entry.KID]; usable && !twice && len(entry.KID) <= MaxNameBytes {
			keys[entry.KID] = setKey{public, entry.ALG.String()}
		}
	}
	if len(keys) == 0 {
		return nil, errNoKey
	}
	return keys, nil
}

// publicKey is the key of an entry, nil if it is none that signs. A secret in a set is
// none: everybody can read it.
func publicKey(entry jwkset.JWKMarshal) crypto.PublicKey {
	if entry.USE != "" && entry.USE != jwkset.UseSig {
		return nil
	}
	if len(entry.KEYOPS) > 0 && !slices.Contains(entry.KEYOPS, jwkset.KeyOpsVerify) {
		return nil
	}
	entry.X5C, entry.X5U = nil, "" // certificates say nothing that is wanted here
	entry.X5T, entry.X5TS256 = "", ""
	key, err := jwkset.NewJWKFromMarshal(entry, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return nil
	}
	return key.Key()
}
