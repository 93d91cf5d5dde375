package notepack

import "strconv"

// A placeholder stands in JSON text where an attachment was taken out.
const (
	placeholderHead      = `{"_placeholder":true,"num":`
	placeholderKey       = "_placeholder"
	packedPlaceholderKey = "\xac" + placeholderKey
)

func appendPlaceholder(dst []byte, num int) []byte {
	dst = append(dst, placeholderHead...)
	return append(strconv.AppendInt(dst, int64(num), 10), '}')
}

// placeholder reads the placeholder object that text begins with: its number and its
// length. A length of 0 says that the object is none; one with other entries besides
// the two, or with a number that is no plain one, is none.
func placeholder(text []byte) (num, length int) {
	r := jsonReader{text: text, at: 1}
	num = -1
	marked := false
	for range 2 {
		switch r.next() {
		case '"':
		default:
			return 0, 0
		}
		switch {
		case r.word(`"_placeholder"`) && r.next() == ':':
			r.at++
			r.skipSpace()
			if marked || !r.word("true") {
				return 0, 0
			}
			marked = true
		case r.word(`"num"`) && r.next() == ':':
			r.at++
			r.skipSpace()
			n, overflow, ok := r.integer()
			if num >= 0 || !ok || overflow || n > MaxAttachments {
				return 0, 0
			}
			num = int(n)
		default:
			return 0, 0
		}
		if c := r.next(); c == ',' || c == '}' {
			r.at++
			if (c == '}') == (marked && num >= 0) {
				continue
			}
		}
		return 0, 0
	}
	return num, r.at
}

// word consumes w if it is next.
func (r *jsonReader) word(w string) bool {
	if len(r.text)-r.at < len(w) || string(r.text[r.at:r.at+len(w)]) != w {
		return false
	}
	r.at += len(w)
	return true
}
