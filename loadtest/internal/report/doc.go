// Package report shows the result of a load test to people: HTML is a page that is one
// file, opens without a network and can be printed; Text is a summary for a terminal.
// Search, SearchBegin, SearchRun and SearchEnd are the same for a search, which is many runs.
//
// A page is made in one direction: intervals are taken together to steps (steps.go),
// steps become charts (charts.go), and a chart draws itself as SVG (chart.go, svg.go). The
// rest of a result becomes figures, sentences and tables (the other files), and
// static/page.html puts all of it on the page. Whatever a server or another machine
// may have written is escaped, by html/template or, in SVG, by drawing.text; the
// page's policy lets nothing be fetched and no script run but its own.
package report
