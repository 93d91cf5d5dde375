package gateway

import (
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
)

func TestMemoryLimitIsThatOfTheContainer(t *testing.T) {
	for _, tt := range []struct {
		name, file, text string
		goLimit          int64
		want             int64
	}{
		{"version 2", "memory.max", "268435456\n", math.MaxInt64, 256 << 20},
		{"version 2, none", "memory.max", "max\n", math.MaxInt64, 0},
		{"version 1", "memory/memory.limit_in_bytes", "268435456\n", math.MaxInt64, 256 << 20},
		{"version 1, none", "memory/memory.limit_in_bytes", "9223372036854771712\n", math.MaxInt64, 0},
		{"GOMEMLIMIT only", "memory.max", "max\n", 200 << 20, 200 << 20},
		{"GOMEMLIMIT below the container's", "memory.max", "268435456\n", 200 << 20, 256 << 20},
		{"no control groups", "other", "1", math.MaxInt64, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			defer debug.SetMemoryLimit(debug.SetMemoryLimit(tt.goLimit))
			root := t.TempDir()
			file := filepath.Join(root, tt.file)
			if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if got := memoryLimit(root); got != tt.want {
				t.Errorf("%d, want %d", got, tt.want)
			}
		})
	}
}
