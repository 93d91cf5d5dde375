package result

// Missing is the value of a figure that a server does not tell.
const Missing = -1

// NoSample is what is known of a server that does not answer.
func NoSample() Sample { return Sample{Missing, Missing, Missing, Missing, Missing} }

// CPUBetween is the seconds of CPU that a process used from one sample to a later one.
// A process that has been started anew in between has used at least what it has since
// then. Missing if either sample is.
func CPUBetween(before, after Sample) float64 {
	switch {
	case before.CPUSeconds < 0 || after.CPUSeconds < 0:
		return Missing
	case after.CPUSeconds < before.CPUSeconds:
		return after.CPUSeconds
	}
	return after.CPUSeconds - before.CPUSeconds
}

// Follow adds to u what a server used from one sample to a later one. A sample that is
// missing leaves u as it is: the time until the next is then counted from the last
// that there was.
func (u *Usage) Follow(before, after Sample) {
	if cpu := CPUBetween(before, after); cpu >= 0 {
		u.CPUSeconds = max(u.CPUSeconds, 0) + cpu
	}
	if after.ResidentBytes >= 0 {
		u.ResidentBytes = after.ResidentBytes
	}
	if after.Connections >= 0 {
		u.Connections = after.Connections
	}
}
