package docs

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/causeway-rt/causeway/"

var (
	layerBox    = regexp.MustCompile(`data-package="([^"]+)"`)
	layerLeaves = regexp.MustCompile(`data-leaves="([^"]+)"`)
	layerArrow  = regexp.MustCompile(`data-imports="([^ "]+) ([^ "]+)"`)
)

// TestPictureShowsTheImportsThatThereAre holds layers.svg to the code: its arrows are the
// imports between its boxes, all of them and no others; its leaves import nothing of ours.
func TestPictureShowsTheImportsThatThereAre(t *testing.T) {
	picture, err := os.ReadFile("layers.svg")
	if err != nil {
		t.Fatal(err)
	}
	boxes := map[string]bool{}
	for _, m := range layerBox.FindAllSubmatch(picture, -1) {
		boxes[string(m[1])] = true
	}
	leaves := strings.Fields(string(layerLeaves.FindSubmatch(picture)[1]))
	drawn := map[string]bool{}
	for _, m := range layerArrow.FindAllSubmatch(picture, -1) {
		drawn[string(m[1])+" → "+string(m[2])] = true
	}
	if len(boxes) == 0 || len(leaves) == 0 || len(drawn) == 0 {
		t.Fatalf("%d boxes, %d leaves, %d arrows", len(boxes), len(leaves), len(drawn))
	}
	// boxOf is where a package is drawn: what is within another one is a part of it.
	boxOf := func(path string) string {
		for box := range boxes {
			if path == box || strings.HasPrefix(path, box+"/") {
				return box
			}
		}
		return ""
	}
	found := map[string]bool{}
	for line := range strings.Lines(run(t, `go list -f '{{.ImportPath}} {{join .Imports " "}}' ./cmd/... ./internal/... ./pkg/...`)) {
		fields := strings.Fields(line)
		from := strings.TrimPrefix(fields[0], module)
		for _, path := range fields[1:] {
			to, ours := strings.CutPrefix(path, module)
			switch box := boxOf(from); {
			case !ours || box != "" && box == boxOf(to):
			case slices.Contains(leaves, from):
				t.Errorf("%s is a leaf in the picture and imports %s", from, to)
			case box == "" || slices.Contains(leaves, to): // not drawn: tests and tools
			case boxOf(to) == "":
				t.Errorf("%s imports %s, which the picture lacks", from, to)
			default:
				found[box+" → "+boxOf(to)] = true
			}
		}
	}
	for _, arrow := range slices.Sorted(maps.Keys(found)) {
		if !drawn[arrow] {
			t.Errorf("the picture lacks %s", arrow)
		}
		delete(drawn, arrow)
	}
	for _, arrow := range slices.Sorted(maps.Keys(drawn)) {
		t.Errorf("the picture has %s, the code has not", arrow)
	}
}
