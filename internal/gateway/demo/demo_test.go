package demo

import (
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// request asks a Handler made from cfg.
func request(t *testing.T, cfg Config, method, target string, header ...string) (*http.Response, string) {
	t.Helper()
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	Handler(cfg).ServeHTTP(w, r)
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Result(), string(body)
}

// page returns the paths of every file the page consists of.
func page(t *testing.T) []string {
	t.Helper()
	files, err := load(Config{})
	if err != nil {
		t.Fatal(err)
	}
	paths := make([]string, 0, len(files))
	for where := range files {
		paths = append(paths, where)
	}
	return paths
}

func TestFilesHaveTheirContentTypes(t *testing.T) {
	for target, want := range map[string]string{
		"/":               "text/html; charset=utf-8",
		"/demo/app.js":    "text/javascript; charset=utf-8",
		"/demo/client.js": "text/javascript; charset=utf-8",
		"/demo/style.css": "text/css; charset=utf-8",
		"/demo/icon.svg":  "image/svg+xml",
	} {
		res, body := request(t, Config{}, "GET", target)
		if res.StatusCode != http.StatusOK || body == "" {
			t.Errorf("GET %s: status %d, %d bytes", target, res.StatusCode, len(body))
		}
		if got := res.Header.Get("Content-Type"); got != want {
			t.Errorf("GET %s: content type %q, want %q", target, got, want)
		}
	}
}

func TestEverythingElseIsNotFound(t *testing.T) {
	for _, target := range []string{
		"/demo", "/demo/", "/demo/nothing.js", "/demo/index.html", "/index.html", "/static/app.js", "/favicon.ico",
		"/demo/../demo.go", "/demo/%2e%2e/demo.go", "//demo/app.js", "/DEMO/app.js", "/metrics", "/readyz", "/socket.io/",
	} {
		if res, _ := request(t, Config{}, "GET", target); res.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s: status %d, want 404", target, res.StatusCode)
		}
	}
}

func TestOnlyReadingIsAllowed(t *testing.T) {
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "TRACE"} {
		res, _ := request(t, Config{}, method, "/")
		if res.StatusCode != http.StatusMethodNotAllowed || res.Header.Get("Allow") != "GET, HEAD" {
			t.Errorf("%s /: status %d, Allow %q", method, res.StatusCode, res.Header.Get("Allow"))
		}
	}
	if res, body := request(t, Config{}, "HEAD", "/"); res.StatusCode != http.StatusOK || body != "" {
		t.Errorf("HEAD /: status %d, body of %d bytes", res.StatusCode, len(body))
	}
}

func TestEveryAnswerCarriesSecurityHeaders(t *testing.T) {
	for _, target := range append(page(t), "/nothing") {
		res, _ := request(t, Config{}, "GET", target)
		for name, want := range map[string]string{
			"X-Content-Type-Options":       "nosniff",
			"X-Frame-Options":              "DENY",
			"Referrer-Policy":              "no-referrer",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Cache-Control":                "no-cache",
		} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("GET %s: %s is %q, want %q", target, name, got, want)
			}
		}
	}
}

func TestContentSecurityPolicyAllowsNothingInline(t *testing.T) {
	res, _ := request(t, Config{}, "GET", "/")
	policy := map[string]string{}
	for directive := range strings.SplitSeq(res.Header.Get("Content-Security-Policy"), ";") {
		name, sources, _ := strings.Cut(strings.TrimSpace(directive), " ")
		policy[name] = sources
	}
	for name, want := range map[string]string{
		"default-src":     "'none'",
		"script-src":      "'self'",
		"style-src":       "'self'",
		"img-src":         "'self'",
		"base-uri":        "'none'",
		"form-action":     "'none'",
		"frame-ancestors": "'none'",
	} {
		if policy[name] != want {
			t.Errorf("%s is %q, want %q", name, policy[name], want)
		}
	}
	for name, sources := range policy {
		if strings.Contains(sources, "unsafe") {
			t.Errorf("%s allows %s", name, sources)
		}
	}
}

func TestPageHasNothingInline(t *testing.T) {
	_, body := request(t, Config{}, "GET", "/")
	for what, pattern := range map[string]string{
		"a script":        `<script(?:[^>]*)>\s*[^<\s]`,
		"a style element": `<style`,
		"a style":         `\sstyle=`,
		"a handler":       `\son[a-z]+=`,
		"a script URL":    `javascript:`,
	} {
		if found := regexp.MustCompile(`(?i)` + pattern).FindString(body); found != "" {
			t.Errorf("the page has %s inline: %q", what, found)
		}
	}
}

func TestScriptsMakeNoMarkup(t *testing.T) {
	banned := regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|setHTML`)
	for _, target := range page(t) {
		_, body := request(t, Config{}, "GET", target)
		if found := banned.FindString(body); found != "" {
			t.Errorf("%s uses %s", target, found)
		}
	}
}

// A URL of this machine is an example for people to read; the SVG namespace is
// a name. Nothing else may look like an address elsewhere.
func TestNothingRefersOutside(t *testing.T) {
	external := regexp.MustCompile(`(?i)(?:https?:|wss?:)?//[a-z0-9][a-z0-9.-]*(?::\d+)?[^\s"'<>)` + "`" + `]*`)
	harmless := regexp.MustCompile(`^http://(?:localhost:300[01]|host:(?:3000|port)|www\.w3\.org/2000/svg)\W*$`)
	for _, target := range page(t) {
		_, body := request(t, Config{}, "GET", target)
		for _, found := range external.FindAllString(body, -1) {
			if !harmless.MatchString(found) {
				t.Errorf("%s refers to %s", target, found)
			}
		}
	}
}

func TestEveryReferenceIsServed(t *testing.T) {
	imports := regexp.MustCompile(`(?m)^import .* from "\./([^"]+)";$`)
	links := regexp.MustCompile(`(?:href|src)="(demo/[^"]+)"`)
	_, index := request(t, Config{}, "GET", "/")
	wanted := []string{}
	for _, link := range links.FindAllStringSubmatch(index, -1) {
		wanted = append(wanted, "/"+link[1])
	}
	for _, target := range page(t) {
		_, body := request(t, Config{}, "GET", target)
		for _, found := range imports.FindAllStringSubmatch(body, -1) {
			wanted = append(wanted, Prefix+found[1])
		}
	}
	if len(wanted) < 10 {
		t.Fatalf("only %d references found: %q", len(wanted), wanted)
	}
	for _, target := range wanted {
		if res, _ := request(t, Config{}, "GET", target); res.StatusCode != http.StatusOK {
			t.Errorf("GET %s: status %d", target, res.StatusCode)
		}
	}
}

func TestConfigurationReachesThePage(t *testing.T) {
	tests := []struct {
		name string
		cfg  Config
		want string
	}{
		{"zero", Config{}, `data-nodes="[]" data-path="/socket.io/"`},
		{"nodes", Config{Nodes: []string{":3000", "http://h:1"}}, `data-nodes="[&#34;:3000&#34;,&#34;http://h:1&#34;]"`},
		{"path", Config{Path: "/live"}, `data-path="/live/"`},
		{"path with slash", Config{Path: "/live/"}, `data-path="/live/"`},
		{"hostile", Config{Nodes: []string{`"><script>x()</script>`}}, `data-nodes="[&#34;\&#34;\u003e\u003cscript\u003ex()\u003c/script\u003e&#34;]"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, body := request(t, tt.cfg, "GET", "/"); !strings.Contains(body, tt.want) {
				t.Errorf("the page lacks %s; it has %s", tt.want, regexp.MustCompile(`<body[^>]*>`).FindString(body))
			}
		})
	}
}

func TestUnchangedFileIsNotSentAgain(t *testing.T) {
	res, _ := request(t, Config{}, "GET", "/demo/app.js")
	etag := res.Header.Get("ETag")
	if res, body := request(t, Config{}, "GET", "/demo/app.js", "If-None-Match", etag); res.StatusCode != http.StatusNotModified || body != "" {
		t.Errorf("with the current ETag: status %d, %d bytes", res.StatusCode, len(body))
	}
	if res, _ := request(t, Config{}, "GET", "/demo/app.js", "If-None-Match", `"older"`); res.StatusCode != http.StatusOK {
		t.Errorf("with another ETag: status %d", res.StatusCode)
	}
	one, _ := request(t, Config{}, "GET", "/")
	two, _ := request(t, Config{Path: "/live"}, "GET", "/")
	if one.Header.Get("ETag") == two.Header.Get("ETag") {
		t.Error("two configurations share one ETag")
	}
}
