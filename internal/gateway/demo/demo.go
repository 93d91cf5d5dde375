package demo

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed static
var static embed.FS

// Prefix is the path under which the page's scripts and styles are served.
const Prefix = "/demo/"

// Config says what the page offers. The zero value works.
type Config struct {
	// Nodes are the nodes to choose from, as origins ("http://localhost:3001")
	// or as ports of the host by which the page was reached (":3001"). The first
	// pane starts with the first, the second pane with the second. Empty means
	// the origin of the page alone.
	Nodes []string

	// Path is the path of the Socket.IO endpoint. "" means "/socket.io".
	Path string
}

// contentTypes are told to browsers as they stand here: the host's own table of
// types must not decide whether a script runs.
var contentTypes = map[string]string{
	".css":  "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// contentSecurityPolicy allows scripts and styles from this origin only, none
// of them inline. connect-src is open because the node to connect to is typed
// in by the person at the page.
const contentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
	"connect-src 'self' http: https: ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// file is one answer, ready to be written. It is immutable.
type file struct {
	body        []byte
	contentType string
	etag        string
}

// Handler serves the page at "/" and its files under Prefix, and answers 404 to
// everything else. It reads cfg only during the call. It panics when the
// embedded files are broken, which is a fault of the build.
func Handler(cfg Config) http.Handler {
	files, err := load(cfg)
	if err != nil {
		panic(fmt.Sprintf("demo: %v", err))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		secure(w.Header())
		f, ok := files[r.URL.Path]
		if !ok {
			http.Error(w, "Not found. The demo page is at /.", http.StatusNotFound)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "Method not allowed.", http.StatusMethodNotAllowed)
			return
		}
		w.Header().Set("Content-Type", f.contentType)
		w.Header().Set("ETag", f.etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.body))
	})
}

func secure(h http.Header) {
	h.Set("Content-Security-Policy", contentSecurityPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	// A newer binary must not run an older one's script.
	h.Set("Cache-Control", "no-cache")
}

// load returns every file by the path of its request.
func load(cfg Config) (map[string]file, error) {
	entries, err := fs.ReadDir(static, "static")
	if err != nil {
		return nil, err
	}
	files := make(map[string]file, len(entries))
	for _, entry := range entries {
		body, err := fs.ReadFile(static, path.Join("static", entry.Name()))
		if err != nil {
			return nil, err
		}
		where := Prefix + entry.Name()
		if entry.Name() == "index.html" {
			where = "/"
			if body, err = fill(body, cfg); err != nil {
				return nil, fmt.Errorf("fill in the page: %w", err)
			}
		}
		contentType, ok := contentTypes[path.Ext(entry.Name())]
		if !ok {
			return nil, fmt.Errorf("no content type for %s", entry.Name())
		}
		sum := sha256.Sum256(body)
		etag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
		files[where] = file{body: body, contentType: contentType, etag: etag}
	}
	return files, nil
}

// fill writes the configuration into attributes of the page, escaped.
func fill(page []byte, cfg Config) ([]byte, error) {
	nodes, err := json.Marshal(append([]string{}, cfg.Nodes...))
	if err != nil {
		return nil, err
	}
	// The reference's endpoint ends with a slash on the wire.
	endpoint := "/" + strings.Trim(cfg.Path, "/") + "/"
	if cfg.Path == "" {
		endpoint = "/socket.io/"
	}
	t, err := template.New("page").Parse(string(page))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = t.Execute(&out, struct{ Nodes, Path string }{string(nodes), endpoint})
	return out.Bytes(), err
}
