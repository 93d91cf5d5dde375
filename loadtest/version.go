package main

import (
	"context"
	"fmt"
	"io"

	"github.com/causeway-rt/causeway/internal/version"
)

type versionCommand struct{}

func (versionCommand) run(_ context.Context, stdout, _ io.Writer) error {
	_, err := fmt.Fprintln(stdout, version.Line("loadtest"))
	return err
}

// tool is how this build is named in results, and to other workers.
func tool() string { return "loadtest " + version.String() }
