package report

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/show"
)

var (
	//go:embed static/page.html
	pageText string
	//go:embed static/style.css
	style string
	//go:embed static/script.js
	script string
)

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// page is what static/page.html shows.
type page struct {
	Policy  string
	Style   template.CSS
	Script  template.JS
	Title   string
	Targets string
	When    string
	Tool    string

	Search   *searchPart // nil: the page of one run
	Verdict  verdict
	Warnings []string
	Figures  [][]keyFigure

	Audited  bool
	Sentence string
	Balance  []auditRow
	Faults   []auditRow

	Charts []figure

	LatencyHead []string
	Latency     []latencyRow
	Few         bool
	Phases      []phaseRow
	Processes   []processRow
	PerUnit     []figureRow
	Errors      []errorRow
	Workers     []workerRow

	About   []fact
	Groups  []groupRow
	Plan    string
	Command string
}

// HTML writes the result as a page that is complete in itself: it needs no network, no
// other file and, but for values under the pointer, no script. It shows no
// values of headers or of authentication. It fails only if w does.
func HTML(w io.Writer, res *result.Result) error { return writePage(w, res, nil) }

// writePage is HTML with, if it is the best run of a search, that above it.
func writePage(w io.Writer, res *result.Result, above *searchPart) error {
	rows := latencyRows(res.Latency)
	p := page{
		Policy: policy(), Style: template.CSS(style), Script: template.JS(script),
		Title: title(res), Targets: targets(res), When: res.Started.UTC().Format("2 January 2006, 15:04 UTC"), Tool: show.Visible(res.Tool, 120),
		Search: above, Verdict: judge(res), Figures: keyFigures(res),
		Audited: res.Audit.Published > 0 || res.Audit.Unknown > 0, Sentence: auditSentence(res), Balance: balance(res), Faults: faults(res),
		Charts:      charts(res),
		LatencyHead: latencyHead(), Latency: rows, Few: anyFew(rows), Phases: phaseRows(res), Processes: processRows(res), PerUnit: figureRows(res), Errors: errorRows(res), Workers: workerRows(res),
		About: about(res), Groups: groupRows(res.Plan), Plan: planText(res.Plan), Command: show.Command(res.Command),
	}
	for _, s := range res.Warnings {
		p.Warnings = append(p.Warnings, show.Visible(s, 600))
	}
	p.Verdict.Checks = visibleChecks(res.Checks)
	var b bytes.Buffer
	if err := pageTemplate.Execute(&b, p); err != nil {
		return fmt.Errorf("fill page: %w", err)
	}
	_, err := w.Write(b.Bytes())
	return err
}

func visibleChecks(checks []result.Check) []result.Check {
	var visible []result.Check
	for _, c := range checks {
		visible = append(visible, result.Check{Text: show.Visible(c.Text, 200), Found: show.Visible(c.Found, 200), OK: c.OK})
	}
	return visible
}

// policy lets the page load nothing at all, and run and look like nothing but what is
// in it: by their hashes, the one style and the one script.
func policy() string {
	return "default-src 'none'; style-src " + hash(style) + "; script-src " + hash(script) + "; img-src data:; base-uri 'none'; form-action 'none'"
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
