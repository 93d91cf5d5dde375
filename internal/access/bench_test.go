package access

import (
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// BenchmarkAdmit is what a token costs at a connect.
func BenchmarkAdmit(b *testing.B) {
	a := build(b, Config{Keys: []Key{hsKey()}})
	raw := auth(hs(b, jwt.MapClaims{"sub": "user-1234", "allow": map[string]any{"join": []string{"tea:*"}, "publish": []string{"tea:*", "news"}}}))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := a.Admit(b.Context(), "/", raw); err != nil {
			b.Fatal(err)
		}
	}
}
