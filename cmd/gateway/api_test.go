package main

import (
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/causeway-rt/causeway/internal/gateway"
)

func TestAPIKeysAreRead(t *testing.T) {
	cmd, err := parse([]string{"--config", writeFile(t, `
api:
  keys:
    - name: shop
      key: 0123456789abcdef
      scopes: [emit, read]
      namespaces: [/, /shop]
    - {name: ops, key_file: `+writeFile(t, "fedcba9876543210\n")+`, scopes: [drain]}
`)}, sources{sections: allSections}, io.Discard)
	want := []gateway.APIKey{
		{Name: "shop", Secret: "0123456789abcdef", Scopes: []gateway.APIScope{"emit", "read"}, Namespaces: []string{"/", "/shop"}},
		{Name: "ops", Secret: "fedcba9876543210", Scopes: []gateway.APIScope{"drain"}},
	}
	if err != nil || !reflect.DeepEqual(cmd.cfg.APIKeys, want) {
		t.Errorf("%+v, %v, want %+v", cmd.cfg.APIKeys, err, want)
	}
}

func TestAPIKeysThatAreRefused(t *testing.T) {
	const good = "{name: a, key: 0123456789abcdef, scopes: [emit]}"
	for name, tt := range map[string]struct{ key, want string }{
		"without a name":                {"{key: 0123456789abcdeX, scopes: [emit]}", "api.keys[1].name: missing"},
		"with a name for no label":      {"{name: A b, key: 0123456789abcdeX, scopes: [emit]}", `"A b" (text); want up to 64`},
		"without a secret":              {"{name: b, scopes: [emit]}", "api.keys[1].key: missing"},
		"with a short secret":           {"{name: b, key: hunter2, scopes: [emit]}", `api.keys[1].key: "***"; want a secret of 16`},
		"with a space in it":            {"{name: b, key: hunter2 0123456789abcdef, scopes: [emit]}", `api.keys[1].key: "***"`},
		"without scopes":                {"{name: b, key: 0123456789abcdeX}", "api.keys[1].scopes: missing"},
		"with an unknown scope":         {"{name: b, key: 0123456789abcdeX, scopes: [all]}", "emit, manage, read, drain"},
		"with a namespace that is none": {"{name: b, key: 0123456789abcdeX, scopes: [emit], namespaces: [shop]}", "begins with /"},
		"with a name of another":        {"{name: a, key: 0123456789abcdeX, scopes: [emit]}", "api.keys[1].name: "},
		"with a secret of another":      {"{name: b, key: 0123456789abcdef, scopes: [emit]}", "than that of a"},
		"with something unknown":        {"{name: b, key: 0123456789abcdeX, scopes: [emit], scope: emit}", "unknown key"},
	} {
		t.Run(name, func(t *testing.T) {
			file := writeFile(t, "api:\n  keys:\n    - "+good+"\n    - "+tt.key+"\n")
			_, err := parse([]string{"--config", file}, sources{sections: allSections}, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "0123456789abcde") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%v, want %q", err, tt.want)
			}
		})
	}
}
