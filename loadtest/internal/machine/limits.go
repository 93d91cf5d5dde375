package machine

import (
	"fmt"
	"os"
)

// Limits are what this machine allows. 0 is unknown, and then not checked.
type Limits struct {
	// Descriptors is how many files and sockets this process may have open.
	Descriptors uint64
	// Ports is how many ports the kernel chooses from, for each local address.
	Ports int
	// Available is the memory in bytes that can still be had.
	Available int64
	// Loopbacks: every address of 127.0.0.0/8 is this machine's.
	Loopbacks bool
}

// Read raises the soft limit of descriptors to the hard one and returns the limits.
func Read() Limits {
	return Limits{
		Descriptors: raiseDescriptors(),
		Ports:       ports("/proc/sys/net/ipv4/ip_local_port_range"),
		Available:   kilobytes(field("/proc/meminfo", "MemAvailable")),
		Loopbacks:   loopbacks,
	}
}

func ports(file string) int {
	raw, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	var first, last int
	if n, _ := fmt.Sscan(string(raw), &first, &last); n != 2 || last < first {
		return 0
	}
	return last - first + 1
}
