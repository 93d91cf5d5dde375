package socketio

import (
	"encoding/json"
	"strconv"
)

// Raw is one argument, or a run of several, as it stood on the wire: JSON and
// attachments. As an argument to Emit it is sent on byte for byte; only the numbers
// in its placeholders change, when other attachments come before its own. It works
// inside other values too, where a run becomes an array. Raw is immutable and may be
// kept; the zero value is an argument that was not sent, and is sent on as null.
type Raw struct {
	args Args
	run  bool
}

// Len returns how many arguments r is: 0 for one that was not sent.
func (r Raw) Len() int { return r.args.Len() }

// JSON returns the argument's text; for a run, an array of the arguments; nil for an
// argument that was not sent. Attachments are left as placeholder objects. The bytes
// must not be changed.
func (r Raw) JSON() json.RawMessage {
	s := r.args.stretch()
	if !r.run {
		if s.end == 0 {
			return nil
		}
		return json.RawMessage(r.args.text[s.start:s.end:s.end])
	}
	array := make([]byte, 0, s.end-s.start+2)
	array = append(array, '[')
	array = append(array, r.args.text[s.start:s.end]...)
	return append(array, ']')
}

// Bind decodes the arguments of r, as Args.Bind does.
func (r Raw) Bind(ptrs ...any) error { return r.args.Bind(ptrs...) }

// String returns the argument's value if it is one JSON string.
func (r Raw) String() (string, bool) {
	if r.Len() != 1 {
		return "", false
	}
	s := r.args.span(0)
	return unquote(r.args.text[s.start:s.end])
}

// MarshalJSON lets a Raw stand anywhere inside an argument of Emit. A Raw with
// attachments can only be marshalled by Emit and Ack: other encoders get strings
// that mean nothing to them.
func (r Raw) MarshalJSON() ([]byte, error) {
	if !r.run && r.Len() == 0 {
		return []byte("null"), nil
	}
	s := r.args.stretch()
	text := r.args.appendMarked(nil, s)
	if !r.run {
		return text, nil
	}
	return append(append([]byte{'['}, text...), ']'), nil
}

// UnmarshalJSON lets Bind fill a Raw anywhere inside a value.
func (r *Raw) UnmarshalJSON(text []byte) error {
	var enc encoder
	enc.data = append(enc.data, '[')
	if err := enc.unmark(text); err != nil {
		return err
	}
	enc.data = append(enc.data, ']')
	args, err := parseArgs(enc.data, enc.attachments, &limits{args: 1, depth: maxNesting})
	if err != nil {
		return err
	}
	*r = args.At(0)
	return nil
}

// appendRenumbered appends the arguments' text with placeholders numbered from
// next on, in the order of the text.
func (r Raw) appendRenumbered(dst []byte, next int) []byte {
	if !r.run && r.Len() == 0 {
		return append(dst, "null"...)
	}
	s := r.args.stretch()
	done := s.start
	for _, p := range r.args.within(s) {
		dst = append(dst, r.args.text[done:p.at.start]...)
		dst = strconv.AppendInt(dst, int64(next), 10)
		done = p.at.end
		next++
	}
	return append(dst, r.args.text[done:s.end]...)
}
