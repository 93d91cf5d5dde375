package access

import (
	"strings"
	"testing"
	"time"
)

const someID = "n0deAbCdEfGhIjKl-_09"

func TestPatternMatches(t *testing.T) {
	for _, tt := range []struct {
		pattern, room string
		want          bool
	}{
		{"tea", "tea", true},
		{"tea", "teas", false},
		{"tea", "Tea", false},
		{"tea:*", "tea:green", true},
		{"tea:*", "tea:", true},
		{"tea:*", "tea", false},
		{"*:green", "tea:green", true},
		{"a:*:z", "a:m:z", true},
		{"a:*:z", "a:z", false}, // the text on both sides does not overlap
		{"a:*:z", "a::z", true},
		{"*", "anything", true},
		{"*", "user:42", false},
		{"us*", "user:42", false},
		{"user*", "user:42", false},
		{"*:42", "user:42", false},
		{"*2", "user:42", false},
		{"user:*", "user:42", true},
		{"user:*2", "user:42", true},
		{"user:4*", "user:52", false},
		{"user:42", "user:42", true},
		{"user:42", "user:421", false},
		{"*", someID, false},
		{"n0de*", someID, false},
		{"n0deA*", someID, false},
		{"n0*09", someID, false},
		{"n0deAb*", someID, true}, // said explicitly
		{someID, someID, true},
		{"team-alpha*", "team-alpha-channel-1", true}, // 20 characters, and no id
		{"*", "team:alpha:channel-1", true},           // 20 characters that no id has
		{"*", "é345678901234567890", true},            // likewise, in bytes
		{"**", "user:42", true},
		{"**", someID, true},
		{"**", "tea", true},
	} {
		if got := match(tt.pattern, tt.room); got != tt.want {
			t.Errorf("%q and %q: %v, want %v", tt.pattern, tt.room, got, tt.want)
		}
	}
}

func TestPatternsAndRoomsAreChecked(t *testing.T) {
	long := strings.Repeat("x", MaxNameBytes)
	for s, want := range map[string][2]bool{ // pattern, room
		"tea": {true, true}, "*": {true, false}, "**": {true, false}, "a*b": {true, false},
		"a*b*": {false, false}, "***": {false, false}, "**a": {false, false}, "": {false, false},
		long: {true, true}, long + "x": {false, false}, "\xff": {false, false}, "漢字": {true, true}, "a b\n": {true, true},
	} {
		if got := [2]bool{CheckPattern(s), CheckRoom(s)}; got != want {
			t.Errorf("%.20q: %v, want %v", s, got, want)
		}
	}
}

// TestMatchingIsLinear: twice the patterns of a token, at their longest, against a room made
// to fail late, in a time that nobody notices.
func TestMatchingIsLinear(t *testing.T) {
	half := strings.Repeat("a", MaxNameBytes/2-1)
	patterns := make([]string, 2*MaxPatterns)
	for i := range patterns {
		patterns[i] = half + "*" + half
	}
	room := strings.Repeat("a", MaxNameBytes-1) + "b"
	began := time.Now()
	const times = 1000
	for range times {
		if matchAny(patterns, room) {
			t.Fatal("it matched")
		}
	}
	// 128 patterns of 255 bytes: some 3 µs. A matcher that goes back takes 100 times that.
	if each := time.Since(began) / times; each > time.Millisecond {
		t.Errorf("%v for %d patterns", each, len(patterns))
	}
}

// FuzzStarKeepsOutOfPrivateRooms: whatever the pattern, it matches the room of a user only if
// it begins like one.
func FuzzStarKeepsOutOfPrivateRooms(f *testing.F) {
	f.Add("*", "42")
	f.Add("user:*", "42")
	f.Add("us*r:42", "")
	f.Fuzz(func(t *testing.T, pattern, user string) {
		if !CheckPattern(pattern) || pattern == everyRoom {
			return
		}
		if match(pattern, userPrefix+user) && !strings.HasPrefix(pattern, userPrefix) {
			t.Errorf("%q matches the room of user %q", pattern, user)
		}
	})
}
