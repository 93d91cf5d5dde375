package main

import (
	"github.com/causeway-rt/causeway/internal/gateway"
)

// section is a key of the file with more keys below it: settings that have a structure,
// and are no flags.
type section struct {
	key string
	// read takes what it knows from m and puts it into cfg, which has all other settings
	// by then. It ends with m.done, and with that of every mapping in it.
	read func(m *mapping, cfg *gateway.Config)
}

// allSections are those that there are.
var allSections = []section{{"access", readAccess}, {"api", readAPI}, {"limits", readLimits}, {"recovery_namespaces", readRecovery}}

// readSections lets each section that the file has be read.
func readSections(sections []section, from *file, cfg *gateway.Config) error {
	if from == nil {
		return nil
	}
	for _, s := range sections {
		if m := from.sections[s.key]; m != nil {
			s.read(m, cfg)
		}
	}
	return from.doc.err
}
