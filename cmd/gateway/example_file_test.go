package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// exampleSecrets are the files that the example names, below /run/secrets.
var exampleSecrets = map[string]string{
	"redis_url":    "redis://:hunter2@redis.example:6379",
	"cluster_key":  "0123456789abcdef",
	"token_secret": "fedcba9876543210fedcba9876543210",
	"backend_public.pem": `-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9
q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==
-----END PUBLIC KEY-----`,
	"api_key":   "fedcba9876543210",
	"debug_key": "0123456789abcdef",
}

// exampleFile returns the text of deploy/gateway.example.yaml, with its secrets in files
// that there are.
func exampleFile(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../../deploy/gateway.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, secret := range exampleSecrets {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return strings.ReplaceAll(string(raw), "/run/secrets/", dir+"/")
}

// TestExampleFileIsAcceptedAndSafeToCopy: what is on in it lets nobody in by a secret that
// everybody can read there, or without a token.
func TestExampleFileIsAcceptedAndSafeToCopy(t *testing.T) {
	cmd, err := parse([]string{"--config", writeFile(t, exampleFile(t))}, sources{sections: allSections}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	a := cmd.cfg.Access
	if len(a.Keys) != 1 || string(a.Keys[0].Secret) != exampleSecrets["token_secret"] || len(a.Namespaces) != 1 || a.Namespaces["/"].Anonymous != nil {
		t.Errorf("%+v", a)
	}
}

var (
	offInSection = regexp.MustCompile(`(?m)^( +)#(\S)`)
	switchedOff  = regexp.MustCompile(`(?m)^#(\w+): .*$`)
	topKey       = regexp.MustCompile(`(?m)^#?(\w+):`)
)

// TestSettingsThatAreOffInTheExampleAreAccepted switches on one after the other.
func TestSettingsThatAreOffInTheExampleAreAccepted(t *testing.T) {
	text := exampleFile(t)
	for _, m := range switchedOff.FindAllStringSubmatchIndex(text, -1) {
		name := text[m[2]:m[3]]
		on := text[:m[0]] + text[m[0]+1:]
		on = regexp.MustCompile(`(?m)^`+name+`_file: .*$`).ReplaceAllString(on, "")
		if _, err := parse([]string{"--config", writeFile(t, on)}, sources{sections: allSections}, io.Discard); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestExampleFileHasEveryKey(t *testing.T) {
	text := exampleFile(t)
	var f flags
	parser, err := kong.New(&f)
	if err != nil {
		t.Fatal(err)
	}
	var there []string
	for _, m := range topKey.FindAllStringSubmatch(text, -1) {
		there = append(there, m[1])
	}
	settings := settingsOf(parser.Model)[1:] // config names the file
	for _, setting := range settings {
		if !slices.Contains(there, key(setting.Name)) {
			t.Errorf("it lacks %s", key(setting.Name))
		}
	}
	// In sections all that is off can be on together.
	from, err := readFile("--config", writeFile(t, offInSection.ReplaceAllString(text, "$1$2")), settings, allSections)
	if err != nil {
		t.Fatal(err)
	}
	var cmd command
	if err := readSections(allSections, from, &cmd.cfg); err != nil {
		t.Fatal(err)
	}
	for _, form := range from.doc.missing { // in one place
		inFile := slices.Contains(from.doc.found, form+"_file") // a secret that should not be in the example
		if !slices.Contains(from.doc.found, form) && !slices.Contains(there, form) && !inFile {
			t.Errorf("it lacks %s", form)
		}
	}
}
