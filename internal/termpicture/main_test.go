package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPictureShowsWhatTheCommandWrote(t *testing.T) {
	file := filepath.Join(t.TempDir(), "picture.svg")
	if err := run(file, "a title", 0, 40, 5, []string{"bash", "-c", "test -t 1 && stty size | cut -c3- && echo seen; exit 3"}); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{">40</text>", ">seen</text>", "<title>a title</title>"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %s in %s", want, b)
		}
	}
}

func TestPictureNeedsACommand(t *testing.T) {
	for name, args := range map[string][]string{"none": nil, "one that does not exist": {"/no/such/command"}} {
		file := filepath.Join(t.TempDir(), "picture.svg")
		if err := run(file, "a title", 0, 40, 5, args); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := os.Stat(file); err == nil {
			t.Errorf("%s: a picture", name)
		}
	}
}
