package show

import (
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Plain makes one line of printable ASCII of a text that somebody else wrote, of at
// most limit bytes (3 or more): what could move a cursor, change colours, turn the
// direction of writing or be wider than one column is written as an escape, and the
// sign for millionths as the u that Go takes for it too.
func Plain(s string, limit int) string {
	var b strings.Builder
	cut := 0 // the length up to which whole characters leave room for three dots
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		part := s[:size]
		switch {
		case r == 'µ' || r == 'μ':
			part = "u"
		case r > unicode.MaxASCII || !unicode.IsPrint(r):
			part = escaped(part)
		}
		b.WriteString(part)
		if b.Len() > limit {
			return b.String()[:cut] + "..."
		}
		if b.Len() <= limit-3 {
			cut = b.Len()
		}
		s = s[size:]
	}
	return b.String()
}

// escaped writes a character as Go does in a string.
func escaped(s string) string {
	quoted := strconv.QuoteToASCII(s)
	return quoted[1 : len(quoted)-1]
}

// Visible is text for a page in the reader's own fonts, of at most limit runes: what
// is not graphic or changes the direction of writing is written as an escape.
func Visible(s string, limit int) string {
	var b strings.Builder
	n := 0
	for i, r := range s {
		if n++; n > limit {
			b.WriteRune('…')
			break
		}
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"), !unicode.IsGraphic(r):
			b.WriteString(escaped(s[i : i+width(s[i:])]))
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func width(s string) int {
	_, size := utf8.DecodeRuneInString(s)
	return size
}

// secrets are options whose values are not for a report's readers.
var secrets = []string{"--header", "-H", "--auth", "--cookie", "--token", "--password"}

// Command writes a command as a shell would take it, without secrets: of headers
// only the name is left, and of authentication nothing. Where something was taken
// out there are three dots.
func Command(args []string) string {
	words := make([]string, 0, len(args))
	hide := ""
	for _, arg := range args {
		option, value, joined := strings.Cut(arg, "=")
		switch {
		case hide != "":
			arg, hide = withoutSecret(hide, arg), ""
		case isSecret(option) && joined:
			arg = option + "=" + withoutSecret(option, value)
		case isSecret(option):
			hide = option
		case joined && strings.HasPrefix(option, "-"):
			arg = option + "=" + Address(value)
		default:
			arg = Address(arg)
		}
		words = append(words, Quote(arg))
	}
	return strings.Join(words, " ")
}

func isSecret(option string) bool {
	for _, s := range secrets {
		if option == s {
			return true
		}
	}
	return false
}

func withoutSecret(option, value string) string {
	if name, _, ok := strings.Cut(value, ":"); ok && (option == "--header" || option == "-H") {
		return name + ": ..."
	}
	return "..."
}

// Address writes a URL without its password. What is no URL stays as it is.
func Address(s string) string {
	if u, err := url.Parse(s); err == nil && u.User != nil {
		if _, has := u.User.Password(); has {
			u.User = url.UserPassword(u.User.Username(), "...")
			return u.String()
		}
	}
	return s
}

// Quote writes a word so that a POSIX shell takes it for one, on one line.
func Quote(word string) string {
	if word == "" {
		return "''"
	}
	plain, odd := true, false
	for _, r := range word {
		switch {
		case r < ' ' || r == 0x7f || r == utf8.RuneError || !unicode.IsPrint(r):
			odd = true
		case r > unicode.MaxASCII || !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%", r):
			plain = false
		}
	}
	if odd {
		return "$'" + strings.ReplaceAll(escaped(word), "'", `\'`) + "'"
	}
	if plain {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
