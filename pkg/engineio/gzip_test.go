package engineio

import (
	"compress/gzip"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

func TestLargeAnswersAreCompressed(t *testing.T) {
	for name, row := range map[string]struct {
		size       int
		noCompress []bool
		accept     string
		above      int
		want       bool
	}{
		"at the limit":             {1023, []bool{false}, "gzip", 0, true}, // and the packet type
		"below it":                 {1022, []bool{false}, "gzip", 0, false},
		"not accepted":             {5000, []bool{false}, "", 0, false},
		"another coding":           {5000, []bool{false}, "br, deflate", 0, false},
		"among others":             {5000, []bool{false}, "br, gzip;q=0.5", 0, true},
		"declined":                 {5000, []bool{false}, "gzip; q=0", 0, false},
		"declined in other digits": {5000, []bool{false}, "gzip;q=0.000", 0, false},
		"unwanted":                 {5000, []bool{true}, "gzip", 0, false},
		"wanted by one":            {5000, []bool{true, false}, "gzip", 0, true},
		"switched off":             {5000, []bool{false}, "gzip", -1, false},
		"own limit":                {99, []bool{false}, "gzip", 100, true},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{CompressAbove: row.above, AllowedOrigins: []string{"https://a.example"}}, func(t *testing.T, p *poller) {
				var want []string
				for _, no := range row.noCompress {
					m := NewText([]byte(repeat("x", row.size)))
					m.NoCompress = no
					_ = p.peer.Send(m)
					want = append(want, "4"+repeat("x", row.size))
				}
				a := p.poll("Accept-Encoding: " + row.accept)
				if zipped := a.header.Get("Content-Encoding") == "gzip"; zipped != row.want {
					t.Fatalf("compressed: %v, want %v", zipped, row.want)
				}
				if row.want {
					if vary := a.header.Values("Vary"); !slices.Contains(vary, "Accept-Encoding") || !slices.Contains(vary, "Origin") {
						t.Errorf("Vary is %q", vary)
					}
					z, err := gzip.NewReader(strings.NewReader(a.body))
					if err != nil {
						t.Fatal(err)
					}
					b, err := io.ReadAll(z)
					if err != nil {
						t.Fatal(err)
					}
					a.body = string(b)
				}
				a.expect(t, http.StatusOK, strings.Join(want, "\x1e"))
			})
		})
	}
}
