package access

import (
	"strings"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// TestOwnerIsTheUserWithWhatItMayDo: two members have the same if, and only if, one may go on in
// the place of the other.
func TestOwnerIsTheUserWithWhatItMayDo(t *testing.T) {
	rules := map[string]Rules{
		"/":      {Anonymous: &Grants{}},
		"/lobby": {Anonymous: &Grants{Rooms: []string{"lobby"}}, Users: Grants{Join: []string{"tea:*"}}},
	}
	a := build(t, Config{Keys: []Key{hsKey()}, Namespaces: rules})
	owner := func(namespace string, more jwt.MapClaims) string {
		t.Helper()
		text := []byte(nil)
		if more != nil {
			text = auth(hs(t, more))
		}
		m, err := a.Admit(t.Context(), namespace, text)
		if err != nil {
			t.Fatal(err)
		}
		return m.Owner()
	}
	ann := jwt.MapClaims{"sub": "ann", "rooms": []string{"a", "b"}}
	want := owner("/", ann)
	if again := owner("/", jwt.MapClaims{"sub": "ann", "rooms": []string{"b", "a"}, "jti": "2"}); again != want {
		t.Errorf("a new token with the same: %q, want %q", again, want)
	}
	others := map[string]string{
		"another user":       owner("/", jwt.MapClaims{"sub": "bob", "rooms": []string{"a", "b"}}),
		"fewer rooms":        owner("/", jwt.MapClaims{"sub": "ann", "rooms": []string{"a"}}),
		"a grant more":       owner("/", jwt.MapClaims{"sub": "ann", "rooms": []string{"a", "b"}, "allow": map[string]any{"publish": []string{"a"}}}),
		"other rules":        owner("/lobby", ann),
		"nobody":             owner("/", nil),
		"nobody in a lobby":  owner("/lobby", nil),
		"a name of no rooms": owner("/", jwt.MapClaims{"sub": "ann"}),
	}
	seen := map[string]string{want: "ann"}
	for name, got := range others {
		if seen[got] != "" {
			t.Errorf("%s has the same as %s", name, seen[got])
		}
		seen[got] = name
	}
	if long := owner("/", jwt.MapClaims{"sub": strings.Repeat("x", MaxNameBytes-len(userPrefix))}); len(long) > 300 {
		t.Errorf("%d bytes", len(long))
	}
}
