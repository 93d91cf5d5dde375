// Package version says which build a program is.
package version

import (
	"fmt"
	"runtime"
	"runtime/debug"
)

// release is set by builds that have a name:
// -ldflags "-X github.com/causeway-rt/causeway/internal/version.release=v1.2.3".
var release string

// String is the release, else what Go knows of the build.
func String() string {
	if release != "" {
		return release
	}
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		return b.Main.Version
	}
	return "(devel)"
}

// Line is what a program's command version prints: its name, the version, the revision
// where Go knows it, and what it was built with and for.
func Line(program string) string {
	revision := ""
	if b, ok := debug.ReadBuildInfo(); ok {
		for _, s := range b.Settings {
			if s.Key == "vcs.revision" {
				revision = " " + s.Value
			}
		}
	}
	return fmt.Sprintf("%s %s%s %s %s/%s", program, String(), revision, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
