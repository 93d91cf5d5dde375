//go:build !sabotage

// Package sabotage switches off what keeps the promises of recovery, in programs that are built
// with the tag sabotage, by the environment variable CAUSEWAY_SABOTAGE. So it is shown that
// internal/chaos finds what is broken. In all other programs these are constants, and
// the compiler leaves nothing of them.
package sabotage

const (
	// CatchUp skips what a node has to give its sockets after it did not hear the bus.
	CatchUp = false
	// Dedupe delivers what comes a second time.
	Dedupe = false
	// Fencing lets a node go on with sessions that another one has taken.
	Fencing = false
)
