package socketio

import (
	"bytes"
	"errors"
	"strconv"
)

var errPlaceholder = errors.New("placeholders do not match the attachments")

// placeholder is an object of the form {"_placeholder":true,"num":N}: it stands
// where attachment N belongs (protocol.md 2.1). Other members are allowed, as the
// reference does not look at them.
type placeholder struct {
	span      // the whole object
	num  int  // which attachment
	at   span // the digits of num
}

// placeholderFinder is told by a scanner of the objects that it passes, and keeps
// those that are placeholders, in the order of the text.
type placeholderFinder struct {
	found []placeholder
	open  []candidate // objects that the scanner is in, innermost last
}

// candidate is an object that may turn out to be a placeholder.
type candidate struct {
	placeholder
	marked bool // its member _placeholder is true
}

func (f *placeholderFinder) enter(start int) {
	f.open = append(f.open, candidate{placeholder: placeholder{span: span{start: uint32(start)}, num: -1}})
}

// member notes a member of the innermost object, whose value begins at text[pos].
// As everywhere, the last one of several with the same key counts.
func (f *placeholderFinder) member(key, text []byte, pos int) {
	object := &f.open[len(f.open)-1]
	switch unquotedKey(key) {
	case "_placeholder":
		object.marked = bytes.HasPrefix(text[pos:], []byte("true"))
	case "num":
		object.num, object.at = attachmentNumber(text, pos)
	}
}

// unquotedKey returns "" for keys that can't be one of a placeholder's.
func unquotedKey(key []byte) string {
	switch string(key) {
	case `"_placeholder"`:
		return "_placeholder"
	case `"num"`:
		return "num"
	}
	// Each character may be written as an escape of six bytes.
	if len(key) > 6*len("_placeholder")+2 || bytes.IndexByte(key, '\\') < 0 {
		return ""
	}
	name, _ := unquote(key)
	return name
}

// attachmentNumber reads the plain decimal integer that is the whole value at
// text[pos]. Anything else, 1.0 and 1e0 included, is -1.
func attachmentNumber(text []byte, pos int) (num int, at span) {
	n, digits := leadingNumber(text[pos:])
	end := pos + digits
	if digits == 0 || digits > 9 || end == len(text) || !bytes.ContainsRune([]byte(", }\t\r\n"), rune(text[end])) {
		return -1, span{}
	}
	return int(n), span{uint32(pos), uint32(end)}
}

// leave ends the innermost object. A placeholder without a proper number is an
// error, and so is one within another: the reference would leave the inner one out.
func (f *placeholderFinder) leave(end int) error {
	last := len(f.open) - 1
	object := f.open[last]
	f.open = f.open[:last]
	if !object.marked {
		return nil
	}
	nested := len(f.found) > 0 && f.found[len(f.found)-1].start > object.start
	if object.num < 0 || nested {
		return errPlaceholder
	}
	object.end = uint32(end)
	f.found = append(f.found, object.placeholder)
	return nil
}

// match requires that each of the attachments is used exactly once.
func (f *placeholderFinder) match(attachments int) error {
	if len(f.found) != attachments {
		return errPlaceholder
	}
	used := make([]bool, attachments)
	for _, p := range f.found {
		if p.num >= attachments || used[p.num] {
			return errPlaceholder
		}
		used[p.num] = true
	}
	return nil
}

func appendPlaceholder(dst []byte, num int) []byte {
	dst = append(dst, `{"_placeholder":true,"num":`...)
	dst = strconv.AppendInt(dst, int64(num), 10)
	return append(dst, '}')
}
