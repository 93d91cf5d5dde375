package access

import (
	"strings"
	"unicode/utf8"
)

const (
	// MaxNameBytes bounds rooms, patterns and namespaces.
	MaxNameBytes = 256
	// MaxPatterns bounds each list of a token or a rule: rooms, and patterns of one kind.
	MaxPatterns = 64

	// userPrefix begins the room of a user.
	userPrefix = "user:"
	// everyRoom is the pattern that matches every room without exception.
	everyRoom = "**"
	// socketIDLength is that of a socket's id, which is the name of its own room. It
	// consists of letters, digits, - and _.
	socketIDLength = 20
	// enoughFixed is how many characters a pattern must fix to match what looks like
	// a socket's id. Ids are random, so one that fits by chance is as rare as 1 in 2^36.
	enoughFixed = 6
)

// CheckPattern reports whether s is a pattern: a room's name, in which one * may stand for
// any text, or ** for every room.
func CheckPattern(s string) bool {
	return s == everyRoom || checkName(s) && strings.Count(s, "*") <= 1
}

// CheckRoom reports whether s is the name of a room that a rule or a token may put its
// sockets in. It has no *: that would be taken for a pattern.
func CheckRoom(s string) bool { return checkName(s) && !strings.Contains(s, "*") }

func checkName(s string) bool { return s != "" && len(s) <= MaxNameBytes && utf8.ValidString(s) }

// matchAny reports whether a room matches one of the patterns, in a time that grows with
// their length and no faster.
func matchAny(patterns []string, room string) bool {
	for _, p := range patterns {
		if match(p, room) {
			return true
		}
	}
	return false
}

// match holds the rooms of users and of single sockets back from a *, unless the pattern
// says by itself that it means them. Otherwise "let them join everything" would be "let
// them read everybody's private messages".
func match(pattern, room string) bool {
	if pattern == room || pattern == everyRoom {
		return true
	}
	before, after, starred := strings.Cut(pattern, "*")
	if !starred || len(room) < len(before)+len(after) || !strings.HasPrefix(room, before) || !strings.HasSuffix(room, after) {
		return false
	}
	if strings.HasPrefix(room, userPrefix) {
		return strings.HasPrefix(before, userPrefix)
	}
	return len(before)+len(after) >= enoughFixed || !looksLikeSocketID(room)
}

func looksLikeSocketID(room string) bool {
	return len(room) == socketIDLength && !strings.ContainsFunc(room, isNoBase64URL)
}

func isNoBase64URL(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
}
