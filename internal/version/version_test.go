package version

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// TestBuildsStampThisPackage looks at the builds that name a version: the linker says
// nothing of a variable that there is not.
func TestBuildsStampThisPackage(t *testing.T) {
	type here struct{}
	want := reflect.TypeFor[here]().PkgPath() + ".release"
	for file, programs := range map[string]int{"Makefile": 2, "Dockerfile": 1} {
		text, err := os.ReadFile(filepath.Join("../..", file))
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(`-X ([^\s=]+)=\$[({]?VERSION`).FindAllStringSubmatch(string(text), -1)
		if len(found) != programs {
			t.Errorf("%s stamps %d programs, want %d", file, len(found), programs)
		}
		for _, m := range found {
			if m[1] != want {
				t.Errorf("%s stamps %s, want %s", file, m[1], want)
			}
		}
	}
}

func TestReleaseIsWhatAProgramSays(t *testing.T) {
	if String() == "" {
		t.Error("a build without a name has no version")
	}
	release = "v1.2.3"
	defer func() { release = "" }()
	if line := Line("gateway"); String() != release || !strings.HasPrefix(line, "gateway v1.2.3 ") {
		t.Errorf("%s, %q", String(), line)
	}
}
