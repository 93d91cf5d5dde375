package engineio

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

func TestOriginIsCheckedOnBothTransports(t *testing.T) {
	listed := []string{"https://a.example", "http://b.example:8080"}
	for name, row := range map[string]struct {
		allowed []string
		origins []string
		status  int    // over HTTP; a WebSocket gets 101 or 400
		header  string // Access-Control-Allow-Origin
	}{
		"no origin":                  {nil, nil, 200, ""},
		"same host":                  {nil, []string{"http://server"}, 200, ""},
		"same host, other case":      {nil, []string{"HTTPS://SERVER"}, 200, ""},
		"same host, other port":      {nil, []string{"http://server:81"}, 403, ""},
		"foreign":                    {nil, []string{"https://evil.example"}, 403, ""},
		"host in the path":           {nil, []string{"https://evil.example/server"}, 403, ""},
		"host as the user":           {nil, []string{"https://server@evil.example"}, 403, ""},
		"null":                       {nil, []string{"null"}, 403, ""},
		"empty":                      {nil, []string{""}, 403, ""},
		"file":                       {nil, []string{"file://"}, 403, ""},
		"file of the host":           {nil, []string{"file://server"}, 403, ""},
		"two headers":                {nil, []string{"http://server", "http://server"}, 400, ""},
		"two in one":                 {nil, []string{"http://server,http://server"}, 400, ""},
		"a space":                    {nil, []string{"http://server https://evil.example"}, 400, ""},
		"control character":          {nil, []string{"http://server\t"}, 200, ""}, // net/http trims
		"not ASCII":                  {nil, []string{"http://sérver"}, 400, ""},
		"listed":                     {listed, []string{"https://a.example"}, 200, "https://a.example"},
		"second in the list":         {listed, []string{"http://b.example:8080"}, 200, "http://b.example:8080"},
		"listed, other scheme":       {listed, []string{"http://a.example"}, 403, ""},
		"listed, other port":         {listed, []string{"http://b.example"}, 403, ""},
		"listed as a suffix":         {listed, []string{"https://evil-a.example"}, 403, ""},
		"listed as a prefix":         {listed, []string{"https://a.example.evil.example"}, 403, ""},
		"same host is not listed":    {listed, []string{"http://server"}, 403, ""},
		"null is not listed":         {listed, []string{"null"}, 403, ""},
		"list, no origin":            {listed, nil, 200, ""},
		"any":                        {[]string{"*"}, []string{"https://evil.example"}, 200, "*"},
		"any, no origin":             {[]string{"*"}, nil, 200, "*"},
		"any, but two":               {[]string{"*"}, []string{"https://a.example", "https://b.example"}, 400, "*"},
		"any, but a space in it":     {[]string{"*"}, []string{"https://a.example b"}, 400, "*"},
		"any with one that is named": {[]string{"https://a.example", "*"}, []string{"https://a.example"}, 200, "*"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newPipeWorld(t, Config{AllowedOrigins: row.allowed})
				var headers []string
				for _, o := range row.origins {
					headers = append(headers, "Origin: "+o)
				}
				a := w.get(pollingQuery, headers...)
				if a.status != row.status || a.header.Get("Access-Control-Allow-Origin") != row.header {
					t.Errorf("polling: %d, allows %q; want %d, %q", a.status, a.header.Get("Access-Control-Allow-Origin"), row.status, row.header)
				}
				if credentials := a.header.Get("Access-Control-Allow-Credentials"); (credentials != "") != strings.Contains(row.header, "://") {
					t.Errorf("credentials %q go with %q", credentials, row.header)
				}
				lines := ""
				for _, h := range headers {
					lines += h + "\r\n"
				}
				_, resp := w.handshake(webSocketQuery, lines, "")
				want := http.StatusBadRequest
				if row.status == http.StatusOK {
					want = http.StatusSwitchingProtocols
				}
				if resp.StatusCode != want {
					t.Errorf("WebSocket: %d, want %d", resp.StatusCode, want)
				}
				if opened := len(w.sessions); opened != 0 && row.status != http.StatusOK {
					t.Errorf("%d sessions were opened", opened)
				}
			})
		})
	}
}

func TestPreflightNamesTheOriginOnlyIfItIsListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, Config{AllowedOrigins: []string{"https://a.example"}})
		for _, query := range []string{pollingQuery, pollingQuery + "&sid=elsewhere"} {
			a := w.do(http.MethodOptions, query, nil, "Origin: https://a.example", "Access-Control-Request-Headers: X-Token")
			a.expect(t, http.StatusNoContent, "")
			for header, want := range map[string]string{
				"Access-Control-Allow-Origin": "https://a.example", "Access-Control-Allow-Credentials": "true",
				"Access-Control-Allow-Methods": "GET,HEAD,PUT,PATCH,POST,DELETE", "Access-Control-Allow-Headers": "X-Token",
			} {
				if got := a.header.Get(header); got != want {
					t.Errorf("%s is %q, want %q", header, got, want)
				}
			}
			a = w.do(http.MethodOptions, query, nil, "Origin: https://evil.example")
			a.expect(t, http.StatusNoContent, "")
			for name := range a.header {
				if strings.HasPrefix(name, "Access-Control") {
					t.Errorf("a foreign origin gets %s", name)
				}
			}
		}
	})
}

// A page must be able to read why it was refused.
func TestRefusalsCarryCORS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, Config{AllowedOrigins: []string{"https://a.example"}})
		a := w.get(pollingQuery+"&sid=unknown", "Origin: https://a.example")
		if got := a.header.Get("Access-Control-Allow-Origin"); a.status != 400 || got != "https://a.example" {
			t.Errorf("%d, allows %q", a.status, got)
		}
	})
}
