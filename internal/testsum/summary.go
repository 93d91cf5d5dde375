package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build-output and build-fail
	Test        string
	Elapsed     float64 // seconds
	Output      string
	FailedBuild string
}

// test is what is known of one test, or, without a name, of one package.
type test struct {
	pkg, name string
	seconds   float64
	output    strings.Builder
}

func (t *test) String() string {
	if t.name == "" {
		return t.pkg
	}
	return t.pkg + " " + t.name
}

// summary gathers the events of one run.
type summary struct {
	w       io.Writer
	running map[string]*test // by package and name, until they end
	builds  map[string]*strings.Builder

	passed, failed, skipped []*test
	failedPackages          []string // that failed without a failed test: build, panic, leak, timeout
	failuresIn              map[string]int
	ranIn                   map[string]int
}

func newSummary(w io.Writer) *summary {
	return &summary{
		w:          w,
		running:    map[string]*test{},
		builds:     map[string]*strings.Builder{},
		failuresIn: map[string]int{},
		ranIn:      map[string]int{},
	}
}

// read takes events until the input ends. A line that is no event, such as one
// that the go command prints itself, is passed on as it is.
func (s *summary) read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			var e event
			if json.Unmarshal(line, &e) == nil && e.Action != "" {
				s.take(e)
			} else {
				fmt.Fprintf(s.w, "%s", line)
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read test output: %w", err)
		}
	}
}

func (s *summary) take(e event) {
	switch e.Action {
	case "build-output":
		if s.builds[e.ImportPath] == nil {
			s.builds[e.ImportPath] = &strings.Builder{}
		}
		s.builds[e.ImportPath].WriteString(e.Output)
	case "output":
		s.test(e).output.WriteString(e.Output)
	case "pass", "fail", "skip":
		t := s.test(e)
		t.seconds = e.Elapsed
		delete(s.running, e.Package+" "+e.Test)
		if e.Test == "" {
			s.endPackage(e, t)
		} else {
			s.endTest(e, t)
		}
	}
}

// test returns the running test, or package, that e is about.
func (s *summary) test(e event) *test {
	key := e.Package + " " + e.Test
	t := s.running[key]
	if t == nil {
		t = &test{pkg: e.Package, name: e.Test}
		s.running[key] = t
	}
	return t
}

func (s *summary) endTest(e event, t *test) {
	s.ranIn[t.pkg]++
	switch e.Action {
	case "pass":
		t.output.Reset()
		s.passed = append(s.passed, t)
	case "skip":
		s.skipped = append(s.skipped, t)
	case "fail":
		s.failed = append(s.failed, t)
		s.failuresIn[t.pkg]++
		fmt.Fprintf(s.w, "--- FAIL %v (%.2fs)\n%s", t, t.seconds, t.output.String())
	}
}

// endPackage prints the package's line. A package with no tests ends with "skip"
// and gets none. One that failed though none of its tests did is a failure of
// its own: it did not build, it died, or its TestMain found something.
func (s *summary) endPackage(e event, t *test) {
	switch {
	case e.Action == "fail" && s.failuresIn[t.pkg] == 0:
		s.failedPackages = append(s.failedPackages, t.pkg)
		fmt.Fprintf(s.w, "--- FAIL %s\n", t.pkg)
		if b := s.builds[e.FailedBuild]; b != nil {
			io.WriteString(s.w, b.String())
		}
		s.printUnfinished(t.pkg)
		io.WriteString(s.w, t.output.String())
	case e.Action == "fail":
		fmt.Fprintf(s.w, "FAIL %s  %d tests, %.1fs\n", t.pkg, s.ranIn[t.pkg], t.seconds)
		s.printUnfinished(t.pkg)
		io.WriteString(s.w, t.output.String())
	case e.Action == "pass":
		fmt.Fprintf(s.w, "ok   %s  %d tests, %.1fs\n", t.pkg, s.ranIn[t.pkg], t.seconds)
	}
}

// printUnfinished prints what the tests said that were running when their
// package ended, as a panic or a timeout ends it.
func (s *summary) printUnfinished(pkg string) {
	for key, t := range s.running {
		if t.pkg == pkg && t.name != "" {
			fmt.Fprintf(s.w, "unfinished: %v\n%s", t, t.output.String())
			delete(s.running, key)
		}
	}
}

// The report names the slowest tests: at most so many, and none that took less.
const (
	slowest     = 5
	slowSeconds = 0.1
)

// report prints the end of the summary and says whether the run is good.
func (s *summary) report(ci bool) bool {
	all := slices.Concat(s.passed, s.failed)
	slices.SortStableFunc(all, func(a, b *test) int { return cmp.Compare(b.seconds, a.seconds) })
	for i, t := range all[:min(slowest, len(all))] {
		if t.seconds < slowSeconds {
			break
		}
		if i == 0 {
			fmt.Fprintln(s.w, "\nslowest:")
		}
		fmt.Fprintf(s.w, "  %6.2fs %v\n", t.seconds, t)
	}
	if len(s.skipped) > 0 {
		fmt.Fprintln(s.w, "\nskipped:")
	}
	for _, t := range s.skipped {
		fmt.Fprintf(s.w, "  %v: %s\n", t, reason(t.output.String()))
	}
	failed := len(s.failed) + len(s.failedPackages)
	if failed > 0 {
		fmt.Fprintln(s.w, "\nfailed:")
	}
	for _, t := range s.failed {
		fmt.Fprintf(s.w, "  %v\n", t)
	}
	for _, pkg := range s.failedPackages {
		fmt.Fprintf(s.w, "  %s (no test of it failed: see its output above)\n", pkg)
	}
	if ci && len(s.skipped) > 0 {
		fmt.Fprintln(s.w, "\nCI=true: nothing may be skipped")
	}
	ran := len(all) > 0
	if !ran {
		fmt.Fprintln(s.w, "\nno test ran")
	}
	fmt.Fprintf(s.w, "\n%d passed, %d failed", len(s.passed), failed)
	if len(s.skipped) > 0 {
		fmt.Fprintf(s.w, ", %d skipped", len(s.skipped))
	}
	fmt.Fprintln(s.w)
	return failed == 0 && ran && !(ci && len(s.skipped) > 0)
}

// reason returns what a skipped test said, without the frame that the testing
// package puts around it.
func reason(output string) string {
	var said []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") {
			continue
		}
		said = append(said, line)
	}
	if len(said) == 0 {
		return "no reason given"
	}
	return strings.Join(said, " ")
}
