package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/verdict"
)

const (
	columns = 80 // of a terminal
	margin  = 28 // where the explanation of a flag begins
)

const about = `Usage: loadtest COMMAND [flags]

Puts a load on a Socket.IO server, checks that every message arrives where it
should, and reports latency, throughput and what went wrong.

Commands:
`

const aboutEnd = `
Examples:
  loadtest run --scenario chat --clients 1000 --html report.html
  loadtest run --scenario fanout --expect 'delivery_p99<50ms,lost=0'
  loadtest search --scenario fanout --expect 'delivery_p99<50ms,lost=0'
  loadtest compare before.json after.json

Exit status: 0 all expectations met, 1 one was not, 2 no run could be made.
`

const aboutRun = `Usage: loadtest run --scenario NAME [flags]
       loadtest run --file FILE [flags]

Connects clients, has them do what the scenario says, and checks that every
message reaches everybody in its room, once, in order and unharmed. Ctrl-C ends
the run with a report, a second one at once. Numbers that are not given are the
scenario's. Durations are written as 500ms, 30s or 1m30s.
`

const aboutRunEnd = `
Examples:
  A chat of 1,000 for a minute, against the gateway of --dev --nodes 3:
    loadtest run --scenario chat --clients 1000 --duration 1m --html chat.html \
      --url http://localhost:3000,http://localhost:3001,http://localhost:3002
  The highest throughput to one room, with what the server uses:
    loadtest run --scenario fanout --window 16 \
      --metrics http://127.0.0.1:9090/metrics
  In CI, a line for each interval and an exit status:
    loadtest run --file nightly.yaml --json nightly.json \
      --expect 'delivery_p99<50ms,lost=0,connect_errors<0.1%'
  A file to start from:
    loadtest run --scenario mixed --dry-run > mixed.yaml

Exit status: 0 all expectations met, 1 one was not, 2 no run could be made.
`

const aboutSearch = `Usage: loadtest search --scenario NAME --expect LIST [flags]
       loadtest search --file FILE --expect LIST [flags]

Finds the highest load that still meets all expectations. Each load is a whole
run, as loadtest run makes it. The load is doubled until an expectation is not
met, then the distance is halved. A load that is not met is run once more, and
is met if it then is. Between two runs the servers are waited for, until they
are at rest. Ctrl-C ends the search with what is known so far.

A load that this machine cannot make is told apart from one that the server
does not bear: it is "held up", not "not met". The columns server and tool are
the cores that each used under load.
`

const aboutSearchEnd = `
Examples:
  The most messages a second to 100 clients in one room, and a page about it:
    loadtest search --scenario fanout --expect 'delivery_p99<50ms,lost=0' \
      --duration 10s --html search.html --metrics http://127.0.0.1:9090/metrics
  The most clients in a chat, as --clients of loadtest run:
    loadtest search --scenario chat --vary clients --from 500 --to 20000 \
      --expect 'delivery_p99<200ms,lost=0,connect_errors=0'

Exit status: 0 a load was found, 1 even the lowest was not met, 2 the search
could not be made.
`

const aboutWorker = `Usage: loadtest worker [flags]

Waits for coordinators, which are loadtest run --workers, and makes a part of
their runs, one run at a time: connects clients from this machine to the servers
that the run names, with the identities that it gives. What it needs to know it
gets from the coordinator, also a key that signs tokens. Ctrl-C ends it.

Flags:
`

const aboutWorkerEnd = `
Example, on two machines and a third:
  openssl rand -hex 32 > worker.key    # the same file on all of them
  loadtest worker --listen :7070 --worker-key-file worker.key
  loadtest run --scenario chat --clients 50000 --url https://chat.example \
    --workers 10.0.0.11:7070,10.0.0.12:7070 --worker-key-file worker.key
`

const aboutCompare = `Usage: loadtest compare A.json B.json [flags]

Shows two results that --json has written side by side, marks what is better or
worse in B, and says why they should not be compared, if so.
`

// groups are the headings of the flags of run and search, in order.
var groups = []struct{ key, title string }{
	{"search", "The search:"},
	{"what", "What to run:"},
	{"server", "The server:"},
	{"load", "The load:"},
	{"detail", "What clients do, where it is to differ from the scenario:"},
	{"watch", "Watching the server:"},
	{"out", "What comes out:"},
	{"fine", "Seldom needed:"},
}

// printHelp writes the help of a command, or of all if node is nil.
func printHelp(w io.Writer, app *kong.Application, node *kong.Node) {
	if node == nil {
		fmt.Fprint(w, about)
		for _, n := range app.Children {
			fmt.Fprintf(w, "  %-12s %s\n", n.Name, n.Help)
		}
		fmt.Fprint(w, "\nloadtest COMMAND --help says more.\n", aboutEnd)
		return
	}
	switch node.Name {
	case "run":
		printAll(w, node, aboutRun, aboutRunEnd)
	case "search":
		printAll(w, node, aboutSearch, aboutSearchEnd)
	case "worker":
		fmt.Fprint(w, aboutWorker)
		printFlags(w, node, "")
		fmt.Fprint(w, aboutWorkerEnd)
	case "compare":
		fmt.Fprint(w, aboutCompare, "\nFlags:\n")
		printFlags(w, node, "")
	default:
		fmt.Fprintf(w, "Usage: loadtest %s\n\n%s\n", node.Name, node.Help)
	}
}

// printAll writes the help of run or search.
func printAll(w io.Writer, node *kong.Node, begin, end string) {
	fmt.Fprint(w, begin)
	for _, g := range groups {
		if g.key == "search" && node.Name != "search" {
			continue
		}
		fmt.Fprintf(w, "\n%s\n", g.title)
		printFlags(w, node, g.key)
	}
	fmt.Fprint(w, "\nNames in --expect:\n")
	printWrapped(w, "  ", verdict.Names())
	fmt.Fprint(w, end)
}

// ofSearch is what flags of run do otherwise in a search.
var ofSearch = map[string]string{
	"dry-run": "Check everything, print the plan of the lowest load as such a file, and stop.",
	"expect":  "What each load has to meet: delivery_p99<50ms,lost=0,connect_errors<0.1%",
	"html":    "Write a report of the search and of its best run that opens in a browser, offline.",
	"json":    "Write all figures of all runs, for other programs.",
	"csv":     "Write a line for each run.",
	"no-live": "On a terminal too, no view of the runs: a line for each when it has ended.",
	"quiet":   "Nothing while it runs; what was found at the end.",
	"seed":    "Repeats the random choices of another search.",

	"prometheus-listen": "Show the runs as Prometheus metrics there, such as :9101.",
}

// printFlags writes the flags of a group, each with what it takes or its default.
func printFlags(w io.Writer, node *kong.Node, group string) {
	for _, f := range node.Flags {
		if f.Name == "help" || groupOf(f) != group {
			continue
		}
		name := "--" + f.Name
		if f.PlaceHolder != "" {
			name += "=" + f.PlaceHolder
		}
		text := f.Help
		if other := ofSearch[f.Name]; other != "" && node.Name == "search" {
			text = other
		}
		lines := wrapped(text, columns-margin)
		if len(name) > margin-4 {
			fmt.Fprintf(w, "  %s\n", name)
			name = ""
		}
		for _, line := range lines {
			fmt.Fprintf(w, "  %-*s%s\n", margin-2, name, line)
			name = ""
		}
	}
}

func groupOf(f *kong.Flag) string {
	if f.Group == nil {
		return ""
	}
	return f.Group.Key
}

// printWrapped writes text in lines that begin with indent.
func printWrapped(w io.Writer, indent, text string) {
	for _, line := range wrapped(text, columns-len(indent)) {
		fmt.Fprintln(w, indent+line)
	}
}

// wrapped breaks text between words into lines of at most width bytes.
func wrapped(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines = append(lines, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(lines, line)
}

// scenariosCommand says what each scenario does.
type scenariosCommand struct{}

func (scenariosCommand) run(_ context.Context, stdout, _ io.Writer) error {
	for i, s := range plan.Scenarios {
		if i > 0 {
			fmt.Fprintln(stdout)
		}
		fmt.Fprintln(stdout, s.Name)
		printWrapped(stdout, "  ", s.Does)
	}
	_, err := fmt.Fprint(stdout, "\nloadtest run --scenario NAME --dry-run prints the numbers of one.\n")
	return err
}
