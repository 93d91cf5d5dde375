package main

import (
	"fmt"
	"strings"
	"testing"
)

// line returns one event as `go test -json` prints it.
func line(action, name, output string) string {
	return fmt.Sprintf(`{"Action":%q,"Package":"p","Test":%q,"Output":%q,"Elapsed":0.5}`+"\n", action, name, output)
}

func summarize(t *testing.T, input string, ci bool) (output string, good bool) {
	t.Helper()
	var w strings.Builder
	s := newSummary(&w)
	if err := s.read(strings.NewReader(input)); err != nil {
		t.Fatal(err)
	}
	good = s.report(ci)
	return w.String(), good
}

func TestSummaryJudgesARun(t *testing.T) {
	pass := line("pass", "TestA", "") + line("pass", "", "")
	skip := line("output", "TestB", "=== RUN   TestB\n") + line("output", "TestB", "    b_test.go:7: no redis-server\n") +
		line("output", "TestB", "--- SKIP: TestB (0.00s)\n") + line("skip", "TestB", "")
	fail := line("output", "TestC", "    c_test.go:9: got 1, want 2\n") + line("fail", "TestC", "") + line("fail", "", "")
	leak := line("pass", "TestA", "") + line("output", "", "goleak: found unexpected goroutines\n") + line("fail", "", "")
	hang := line("output", "TestD", "panic: test timed out\n") + line("fail", "", "")
	build := `{"Action":"build-output","ImportPath":"p [p.test]","Output":"p.go:3: undefined: x\n"}` + "\n" +
		`{"Action":"fail","Package":"p","FailedBuild":"p [p.test]"}` + "\n"
	tests := []struct {
		name, input string
		ci, good    bool
		want        []string
	}{
		{"all passed", pass, true, true, []string{"ok   p  1 tests", "\n1 passed, 0 failed\n"}},
		{"skipped", skip + pass, false, true, []string{"p TestB: b_test.go:7: no redis-server\n", "\n1 passed, 0 failed, 1 skipped\n"}},
		{"skipped in CI", skip + pass, true, false, []string{"nothing may be skipped"}},
		{"failed", fail, false, false, []string{"c_test.go:9: got 1, want 2\n", "\n0 passed, 1 failed\n"}},
		{"leak after the tests", leak, false, false, []string{"goleak: found", "\n1 passed, 1 failed\n"}},
		{"timed out", hang, false, false, []string{"unfinished: p TestD\npanic: test timed out\n", "\n0 passed, 1 failed\n"}},
		{"did not build", build, false, false, []string{"undefined: x", "\n0 passed, 1 failed\n"}},
		{"nothing ran", line("skip", "", ""), false, false, []string{"no test ran", "\n0 passed, 0 failed\n"}},
		{"words of the go command", "go: downloading x v1\n" + pass, false, true, []string{"go: downloading x v1\n"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			output, good := summarize(t, tt.input, tt.ci)
			if good != tt.good {
				t.Errorf("good = %v, want %v", good, tt.good)
			}
			for _, want := range tt.want {
				if !strings.Contains(output, want) {
					t.Errorf("output lacks %q:\n%s", want, output)
				}
			}
		})
	}
}
