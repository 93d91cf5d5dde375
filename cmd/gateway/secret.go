package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"

	"github.com/causeway-rt/causeway/internal/gateway"
)

const longestShown = 200

// shown is a value as it may appear in a message: without passwords, and not
// longer than a line bears.
func shown(value string) string {
	// A password that was not escaped may hold any of / ? # , so a value with a
	// scheme loses everything up to its last @.
	if i, j := strings.Index(value, "://"), strings.LastIndex(value, "@"); i >= 0 && j > i {
		value = value[:i+3] + "***" + value[j:]
	}
	if len(value) > longestShown {
		value = value[:longestShown] + "…"
	}
	return value
}

// secretName matches names that promise a secret: those of settings, and of others
// that this version does not know, but whose values should stay out of a log as well.
var secretName = regexp.MustCompile(`(?i)key|secret|token|password`)

// isSecret reports whether what has this name must not be shown. The path of a file
// with a secret may be.
func isSecret(name string) bool {
	return secretName.MatchString(name) && !strings.HasSuffix(strings.ToLower(name), "_file")
}

// shownFor is shown for the value of a name that may promise a secret.
func shownFor(name, value string) string {
	if isSecret(name) {
		return "***"
	}
	return shown(value)
}

// longestSecret bounds a file with a secret. A PEM file with a key has some 4 KiB.
const longestSecret = 64 << 10

var (
	errSecretLong  = fmt.Errorf("longer than %d bytes", longestSecret)
	errSecretEmpty = errors.New("empty")
)

// wantSecretFile completes the errors of readSecret.
const wantSecretFile = "want a file that can be read, with the secret in it and nothing else"

// readSecret returns what a file holds, but for a line's end after it. Its errors don't
// show any of it.
func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", withoutPath(err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, longestSecret+1))
	if err != nil {
		return "", withoutPath(err)
	}
	secret := strings.TrimSuffix(strings.TrimSuffix(string(raw), "\n"), "\r")
	switch {
	case len(raw) > longestSecret:
		return "", errSecretLong
	case secret == "":
		return "", errSecretEmpty
	}
	return secret, nil
}

// orFile is the value of a setting which may be given as the name of a file instead. Any
// two that are given are one too many, wherever they come from: nobody could tell which
// of two secrets a node has.
func (p *parser) orFile(flag string, t, path text) text {
	if path == "" {
		return t
	}
	if t != "" {
		p.refuse(flag+"-file", string(path), "one of this and "+p.name(flag)+", not both")
		return t
	}
	secret, err := readSecret(string(path))
	if err != nil && p.err == nil {
		p.err = fmt.Errorf("%s=%q: %w; %s", p.name(flag+"-file"), shown(string(path)), err, wantSecretFile)
	}
	p.names[flag], p.hidden = p.name(flag+"-file"), append(p.hidden, flag)
	return text(secret)
}

// secret is a text that may be given in a file of its own, which the key with _file
// names. ok is asked for either, and want says what it takes.
func (m *mapping) secret(key, want string, ok func(string) bool) string {
	file := key + "_file"
	inline := m.text(key, want, ok)
	path := m.text(file, "the path of a file", func(s string) bool { return s != "" })
	switch {
	case path == "":
		return inline
	case m.has(key):
		m.refuse(file, "one of this and "+key+", not both")
		return ""
	}
	secret, err := readSecret(path)
	switch {
	case err != nil:
		m.doc.fail(m.by[file].Line, m.full(file), fmt.Sprintf("%q: %v; %s", shown(path), err, wantSecretFile))
	case !ok(secret):
		m.doc.fail(m.by[file].Line, m.full(file), fmt.Sprintf("%q: want %s in it", shown(path), want))
		return ""
	}
	return secret
}

// exposed are warnings about secrets on the command line, which every user of the
// machine can read while the process runs. With --dev nobody minds.
func (p *parser) exposed(c gateway.Config) (warnings []string) {
	for _, flag := range []string{"cluster-key", "debug-key", "redis-url"} {
		secret := flag != "redis-url" || shown(c.RedisURL) != c.RedisURL
		if secret && !c.Dev && p.names[flag] == "--"+flag {
			warnings = append(warnings, fmt.Sprintf("--%s shows a secret to whoever can list processes: use --%[1]s-file or %s", flag, variable(flag)))
		}
	}
	return warnings
}
