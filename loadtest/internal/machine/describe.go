package machine

import (
	"bufio"
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// Describe says what this machine is. What cannot be found out is empty or 0.
func Describe() result.Machine {
	return result.Machine{
		OS:    system(),
		Arch:  runtime.GOARCH,
		Cores: runtime.NumCPU(),
		CPU:   field("/proc/cpuinfo", "model name"),
		Bytes: kilobytes(field("/proc/meminfo", "MemTotal")),
		Go:    runtime.Version(),
	}
}

// system is the operating system, with its version where that is easy.
func system() string {
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	return strings.TrimSpace(runtime.GOOS + " " + strings.TrimSpace(string(release)))
}

// field is the first value called name in a file of "name : value" lines.
func field(file, name string) string {
	raw, _ := os.ReadFile(file)
	lines := bufio.NewScanner(bytes.NewReader(raw))
	for lines.Scan() {
		if key, value, _ := strings.Cut(lines.Text(), ":"); strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// kilobytes reads "16384 kB" as bytes.
func kilobytes(s string) int64 {
	n, _ := strconv.ParseInt(strings.TrimSuffix(s, " kB"), 10, 64)
	return n << 10
}
