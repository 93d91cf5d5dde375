package main

import (
	"fmt"
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

func versionLine() string {
	revision := ""
	if b, ok := debug.ReadBuildInfo(); ok {
		for _, s := range b.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value
			}
		}
	}
	return fmt.Sprintf("gateway %s%s %s %s/%s", version(), revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
