package gateway

import (
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
)

// memoryLimit is what the process may use, in bytes: the limit of its control group, which
// is what a container's memory limit becomes, or else GOMEMLIMIT. 0 says that there is none.
// root is where control groups are mounted: /sys/fs/cgroup.
func memoryLimit(root string) int64 {
	// Version 2 has the group's own file there, as a container sees it; version 1 a
	// directory for each controller.
	for _, name := range []string{"memory.max", "memory/memory.limit_in_bytes"} {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			continue
		}
		// Version 2 says "max" for none, version 1 a number beyond any machine.
		n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err == nil && n > 0 && n < 1<<60 {
			return n
		}
	}
	if n := debug.SetMemoryLimit(-1); n != math.MaxInt64 { // a negative one only asks
		return n
	}
	return 0
}
