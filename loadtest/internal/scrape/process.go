package scrape

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// ticksPerSecond is in what Linux tells CPU time to programs, on every architecture
// that Go runs on.
const ticksPerSecond = 100

// Self is a sample of this program, without what only a server has.
func Self() result.Sample {
	s, err := process(os.Getpid())
	if err != nil {
		return result.NoSample() // no /proc here
	}
	return s
}

// process is a sample of a process of this machine. It is an error where there is no
// /proc, and when the process has ended.
func process(pid int) (result.Sample, error) {
	dir := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return result.NoSample(), err
	}
	statm, err := os.ReadFile(dir + "/statm")
	if err != nil {
		return result.NoSample(), err
	}
	cpu, err := parseStat(stat)
	if err != nil {
		return result.NoSample(), err
	}
	pages, err := parseStatm(statm)
	if err != nil {
		return result.NoSample(), err
	}
	s := result.NoSample()
	s.CPUSeconds = cpu
	s.ResidentBytes = pages * int64(os.Getpagesize())
	return s, nil
}

// parseStat takes the CPU seconds, of the program and of the kernel for it, from
// /proc/PID/stat (proc(5)). The name of the program, in brackets, may itself have
// brackets and blanks.
func parseStat(stat []byte) (cpu float64, err error) {
	end := bytes.LastIndexByte(stat, ')')
	fields := bytes.Fields(stat[end+1:])
	const first = 3 // of the fields behind the name, by the count of the manual
	const utime, stime = 14 - first, 15 - first
	if end < 0 || len(fields) <= stime {
		return 0, fmt.Errorf("stat of a process: %d fields", len(fields))
	}
	user, err1 := strconv.ParseUint(string(fields[utime]), 10, 63)
	system, err2 := strconv.ParseUint(string(fields[stime]), 10, 63)
	if err := errors.Join(err1, err2); err != nil {
		return 0, fmt.Errorf("stat of a process: %w", err)
	}
	return float64(user+system) / ticksPerSecond, nil
}

// parseStatm takes the resident pages from /proc/PID/statm. The figure of that name in
// stat is, in newer kernels, an estimate.
func parseStatm(statm []byte) (pages int64, err error) {
	fields := bytes.Fields(statm)
	if len(fields) < 2 {
		return 0, fmt.Errorf("statm of a process: %d fields", len(fields))
	}
	pages, err = strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("statm of a process: %w", err)
	}
	return pages, nil
}
