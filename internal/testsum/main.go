// Command testsum reads the output of `go test -json` and prints what a person
// needs of it: a line per package, the whole output of what failed, what was
// skipped and why, the slowest tests, and a closing line with the counts.
//
//	go test -json ./... | go run ./internal/testsum
//
// It exits with 1 if a test or a package failed, if no test ran, or, where the
// environment has CI=true, if a test was skipped.
package main

import (
	"fmt"
	"os"
)

func main() {
	sum := newSummary(os.Stdout)
	if err := sum.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testsum:", err)
		os.Exit(1)
	}
	if !sum.report(os.Getenv("CI") == "true") {
		os.Exit(1)
	}
}
