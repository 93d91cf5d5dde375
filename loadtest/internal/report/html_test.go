package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"html"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/fixture"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

func pageOf(t *testing.T, res *result.Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, res); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// raw are the elements whose content is no HTML, up to their first end tag.
var raw = regexp.MustCompile(`(?s)<(script|style)([^>]*)>(.*?)</(?:script|style)`)

// elements returns the start tags of a page.
func elements(t *testing.T, page string) []xml.StartElement {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(raw.ReplaceAllString(page, "<$1$2></$1")))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var all []xml.StartElement
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok {
			all = append(all, e.Copy())
		}
	}
}

// attributes are all that the page may have. Among them none runs a script, and the one
// that could fetch something, href, is checked for what it has.
var attributes = strings.Fields(`lang charset http-equiv content name rel href class viewBox aria-hidden aria-label aria-labelledby id d cx cy r
	scope tabindex width height x y x1 x2 y1 y2 rx text-anchor preserveAspectRatio type hidden`)

// harmless checks that a page fetches nothing, and runs so many scripts, its own included.
func harmless(t *testing.T, name, page string, want int) {
	t.Helper()
	scripts := 0
	for _, e := range elements(t, page) {
		switch e.Name.Local {
		case "img", "iframe", "object", "embed", "image", "use", "foreignObject", "base", "form", "audio", "video", "source", "a":
			t.Errorf("%s: element %s", name, e.Name.Local)
		case "script":
			scripts++
		}
		for _, a := range e.Attr {
			if !slices.Contains(attributes, a.Name.Local) {
				t.Errorf("%s: attribute %s of %s", name, a.Name.Local, e.Name.Local)
			}
			if a.Name.Local == "href" && a.Value != "data:," {
				t.Errorf("%s: href %q", name, a.Value)
			}
		}
	}
	if scripts != want {
		t.Errorf("%s: %d scripts, want %d", name, scripts, want)
	}
}

func TestPageFetchesNothingAndRunsNothingOfAServer(t *testing.T) {
	for name, res := range runs() {
		harmless(t, name, pageOf(t, res), len(charts(res))+1)
	}
	for _, text := range []string{style, script} {
		for _, word := range []string{"url(", "@import", "http:", "https:", "fetch(", "import(", "eval("} {
			if strings.Contains(text, word) {
				t.Errorf("%q in the page's own style or script", word)
			}
		}
	}
}

func TestPolicyAllowsExactlyTheStyleAndScriptOfThePage(t *testing.T) {
	for name, res := range runs() {
		page := pageOf(t, res)
		policy := html.UnescapeString(regexp.MustCompile(`Content-Security-Policy" content="([^"]*)"`).FindStringSubmatch(page)[1])
		if !strings.HasPrefix(policy, "default-src 'none';") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %q", name, policy)
		}
		for _, m := range raw.FindAllStringSubmatch(page, -1) {
			if strings.Contains(m[2], "application/json") {
				if !json.Valid([]byte(m[3])) {
					t.Errorf("%s: values of a chart are no JSON", name)
				}
				continue
			}
			if !strings.Contains(policy, hash(m[3])) {
				t.Errorf("%s: a %s that the policy forbids", name, m[1])
			}
		}
	}
}

func TestHostileTextIsShownAndNotBelieved(t *testing.T) {
	page := pageOf(t, runs()["hostile"])
	for _, s := range []string{"&lt;script&gt;alert(1)&lt;/script&gt;", `\x1b[2J`, `\u202etxt.exe`, "{{.Command}}", `a\x00b`} {
		if !strings.Contains(page, s) {
			t.Errorf("%q is not in the page", s)
		}
	}
	for _, s := range []string{"<script>alert", "<img", "\x1b", "\u202e", "\x00", "hunter2"} {
		if strings.Contains(page, s) {
			t.Errorf("%q is in the page", s)
		}
	}
}

func TestReportShowsNoSecrets(t *testing.T) {
	res := fixture.Run(fixture.Config{})
	res.Command = append(res.Command, "--header", "Authorization: Bearer hunter2")
	res.Plan.Header = map[string]string{"Authorization": "Bearer hunter2"}
	res.Plan.Auth = map[string]any{"token": "hunter2"}
	res.Plan.URLs = []string{"http://ann:hunter2@localhost:3000"}
	var text bytes.Buffer
	if err := Text(&text, res); err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{pageOf(t, res), text.String()} {
		if strings.Contains(s, "hunter2") {
			t.Error("a secret is shown")
		}
	}
	if res.Plan.Header["Authorization"] != "Bearer hunter2" || res.Plan.URLs[0] != "http://ann:hunter2@localhost:3000" {
		t.Error("the result was changed")
	}
}

// hour is a run of 3,600 intervals, made of one of a minute.
func hour() *result.Result {
	res := fixture.Run(fixture.Config{Servers: 3, Faulty: true})
	minute := res.Intervals
	res.Intervals = nil
	for i := range 3600 {
		iv := minute[i%len(minute)]
		iv.From, iv.To = float64(i), float64(i+1)
		res.Intervals = append(res.Intervals, iv)
	}
	res.Seconds = 3600
	return res
}

func TestLongRunIsASmallPage(t *testing.T) {
	started := time.Now()
	page := pageOf(t, hour())
	if took := time.Since(started); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
	if len(page) > 1<<20 {
		t.Errorf("%d bytes, want at most 1 MiB", len(page))
	}
	if !strings.Contains(page, "Each point stands for 9 s") {
		t.Error("the page does not say that points stand for several intervals")
	}
}

func TestLongRunKeepsItsExtremes(t *testing.T) {
	res := hour()
	odd := &res.Intervals[1234]
	odd.Latency.Delivery = result.NewHistogram()
	odd.Latency.Delivery.Record(77 * time.Second)
	odd.Open, odd.Audit.Lost = 17, 4321
	odd.Servers[0].ResidentBytes = 77 << 30
	page := pageOf(t, res)
	for what, text := range map[string]string{"longest delivery": `"77 s"`, "fewest connections": `"17"`, "losses": `"4,3`, "most memory": `"77 GiB"`} {
		if !strings.Contains(page, text) {
			t.Errorf("%s: no %s in the values of the charts", what, text)
		}
	}
}
