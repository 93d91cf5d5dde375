package e2e

import (
	"maps"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

const tokenSecret = "0123456789abcdef0123456789abcdef"

// claims are those of a token.
type claims = jwt.MapClaims

// token makes one for an hour, unless more says otherwise.
func token(t testing.TB, more claims) string {
	t.Helper()
	c := claims{"sub": "42", "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(c, more)
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString([]byte(tokenSecret))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
