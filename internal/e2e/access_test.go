package e2e

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// accessConfig wants tokens signed with tokenSecret, and lets clients without one into a
// namespace of their own.
const accessConfig = `
access:
  keys:
    - {name: app, algorithms: [HS256], secret: ` + tokenSecret + `, audience: [chat]}
  namespaces:
    /: {}
    /public: {anonymous: {rooms: [lobby], allow: {publish: [lobby]}}}
`

func startWithTokens(t *testing.T) *server {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gateway.yaml")
	if err := os.WriteFile(path, []byte(accessConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	return startStrict(t, "--config", path)
}

// chatToken is good for accessConfig, but for what more says.
func chatToken(t *testing.T, more jwt.MapClaims) string {
	t.Helper()
	c := jwt.MapClaims{"aud": "chat"}
	for name, v := range more {
		c[name] = v
	}
	return token(t, c)
}

func TestOfficialClientsWithTokens(t *testing.T) {
	needNode(t)
	s := startWithTokens(t)
	forEveryKind(t, "tokenGrantsAndRefusals", s.url(), options{
		"token": chatToken(t, jwt.MapClaims{"rooms": []string{"lobby"}, "allow": map[string]any{
			"join": []string{"tea:*"}, "leave": []string{"tea:*"}, "publish": []string{"tea:*", "user:42"},
		}}),
		"refused": map[string]string{
			"token_expired":  chatToken(t, jwt.MapClaims{"exp": 1}),
			"token_audience": token(t, nil),
			"token_invalid":  strings.ToUpper(token(t, nil)),
			"token_claims":   chatToken(t, jwt.MapClaims{"sub": ""}),
			"token_missing":  "",
		},
	})
}

// TestTokensOfASetOfKeys are checked with what a server of keys publishes.
func TestTokensOfASetOfKeys(t *testing.T) {
	needNode(t)
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"2026","use":"sig","x":%q}]}`, base64.RawURLEncoding.EncodeToString(public))
	}))
	defer keys.Close()
	path := filepath.Join(t.TempDir(), "gateway.yaml")
	config := "access:\n  keys: [{name: login, algorithms: [EdDSA], jwks_url: " + keys.URL + "}]\n  namespaces: {/: {}, /public: {anonymous: {allow: {publish: [lobby]}}}}\n"
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	signed := func(id string, exp int64) string {
		token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{"sub": "42", "exp": exp, "allow": map[string]any{
			"join": []string{"tea:*"}, "publish": []string{"tea:*", "user:42"},
		}})
		token.Header["kid"] = id
		text, err := token.SignedString(private)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	later := time.Now().Add(time.Hour).Unix()
	runScript(t, "tokenGrantsAndRefusals", startStrict(t, "--config", path).url(), options{
		"token":   signed("2026", later),
		"refused": map[string]string{"token_expired": signed("2026", 1), "token_invalid": signed("2025", later), "token_missing": ""},
	})
}

// TestOfficialClientComesBackWithANewToken by itself, when the one that it had has ended,
// or renews it before.
func TestOfficialClientComesBackWithANewToken(t *testing.T) {
	needNode(t)
	s := startWithTokens(t)
	for _, kind := range kinds {
		t.Run("client "+kind["client"].(string)+".x "+kind["transport"].(string), func(t *testing.T) {
			t.Parallel()
			soon := time.Now().Add(5 * time.Second).Unix()
			runScript(t, "tokenEndsAndIsRenewed", s.url(), options{
				"client": kind["client"], "transport": kind["transport"],
				"short": chatToken(t, jwt.MapClaims{"exp": soon}), "ends": soon,
				"long": chatToken(t, jwt.MapClaims{"rooms": []string{"new"}}),
			})
		})
	}
}
