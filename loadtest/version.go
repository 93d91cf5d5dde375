package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
)

// release is set by the release build: -ldflags "-X main.release=v1.2.3".
var release string

// version is the release, else what Go knows of the build.
func version() string {
	if release != "" {
		return release
	}
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		return b.Main.Version
	}
	return "(devel)"
}

type versionCommand struct{}

func (versionCommand) run(_ context.Context, stdout, _ io.Writer) error {
	_, err := fmt.Fprintf(stdout, "loadtest %s %s %s/%s\n", version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
