package main

import (
	"regexp"
	"strings"
)

const longestShown = 200

// shown is a value as it may appear in a message: without passwords, and not
// longer than a line bears.
func shown(value string) string {
	// A password that was not escaped may hold any of / ? # , so a value with a
	// scheme loses everything up to its last @.
	if i, j := strings.Index(value, "://"), strings.LastIndex(value, "@"); i >= 0 && j > i {
		value = value[:i+3] + "***" + value[j:]
	}
	if len(value) > longestShown {
		value = value[:longestShown] + "…"
	}
	return value
}

// secretName matches names that promise a secret: those of settings, and of others
// that this version does not know, but whose values should stay out of a log as well.
var secretName = regexp.MustCompile(`(?i)key|secret|token|password`)

// shownFor is shown for the value of a name that is no setting.
func shownFor(name, value string) string {
	if secretName.MatchString(name) {
		return "***"
	}
	return shown(value)
}
