package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// maxAttachments is how many attachments a packet may have that official clients
// accept: they close the connection above it.
const maxAttachments = 10

// Errors of Emit and Ack about their arguments.
var (
	ErrTooManyAttachments = errors.New("more than 10 binary attachments")
	// ErrPlaceholder refuses an object that the receiver would take for one of the
	// packet's attachments: it has a member _placeholder that is true.
	ErrPlaceholder = errors.New("object looks like a placeholder of an attachment")
	ErrInvalidJSON = errors.New("raw JSON is not valid")
)

// encodeEvent makes the array of an event, with placeholders numbered from 0 in the
// order of the text. Attachments alias the arguments, or are copies.
func encodeEvent(event string, args []any) (data []byte, attachments [][]byte, err error) {
	return encodeNamed(event, args, reservedEvent)
}

func encodeNamed(event string, args []any, reserved func(string) bool) (data []byte, attachments [][]byte, err error) {
	if reserved(event) {
		return nil, nil, fmt.Errorf("emit %q: %w", event, ErrReservedEvent)
	}
	e := encoder{data: make([]byte, 0, sizeHint(len(event), args))}
	e.data = append(e.data, '[')
	e.data = appendString(e.data, event)
	return e.finish(args)
}

// encodeArgs makes the array of an ack, like encodeEvent.
func encodeArgs(args []any) (data []byte, attachments [][]byte, err error) {
	e := encoder{data: make([]byte, 0, sizeHint(0, args))}
	e.data = append(e.data, '[')
	return e.finish(args)
}

// sizeHint guesses the length of the array, to make it in one piece.
func sizeHint(name int, args []any) int {
	n := name + 16
	for _, arg := range args {
		switch arg := arg.(type) {
		case string:
			n += len(arg) + 8
		case json.RawMessage:
			n += len(arg) + 1
		case Raw:
			s := arg.args.stretch()
			n += int(s.end-s.start) + 8
		default:
			n += 32
		}
	}
	return n
}

// encoder makes one packet's array and collects its attachments.
type encoder struct {
	data        []byte
	attachments [][]byte
}

func (e *encoder) finish(args []any) ([]byte, [][]byte, error) {
	for i, arg := range args {
		if err := e.argument(arg); err != nil {
			return nil, nil, fmt.Errorf("argument %d: %w", i, err)
		}
	}
	e.data = append(e.data, ']')
	if err := e.checkPlaceholders(); err != nil {
		return nil, nil, err
	}
	return e.data, e.attachments, nil
}

// checkPlaceholders looks at the array as a receiver will.
func (e *encoder) checkPlaceholders() error {
	n := len(e.attachments)
	if n == 0 {
		return nil
	}
	if n > maxAttachments {
		return ErrTooManyAttachments
	}
	finder := &placeholderFinder{}
	s := scanner{text: e.data, depth: maxNesting, placeholders: finder}
	err := s.only()
	if err == nil {
		err = finder.match(n)
	}
	if errors.Is(err, errPlaceholder) {
		return ErrPlaceholder
	}
	return err
}

// argument appends one argument, and the comma before it.
func (e *encoder) argument(arg any) error {
	if args, ok := arg.(Args); ok {
		arg = args.From(0)
	}
	if raw, ok := arg.(Raw); ok && raw.run && raw.Len() == 0 {
		return nil
	}
	if len(e.data) > 1 {
		e.data = append(e.data, ',')
	}
	switch arg := arg.(type) {
	case nil:
		e.data = append(e.data, "null"...)
	case string:
		e.data = appendString(e.data, arg)
	case bool:
		e.data = strconv.AppendBool(e.data, arg)
	case int:
		e.data = strconv.AppendInt(e.data, int64(arg), 10)
	case Raw:
		e.raw(arg)
	case json.RawMessage:
		return e.rawMessage(arg)
	case Binary:
		e.attach(arg)
	case []byte:
		e.attach(arg)
	default:
		return e.marshal(arg)
	}
	return nil
}

func (e *encoder) attach(b []byte) {
	e.data = appendPlaceholder(e.data, len(e.attachments))
	e.attachments = append(e.attachments, b)
}

func (e *encoder) raw(r Raw) {
	e.data = r.appendRenumbered(e.data, len(e.attachments))
	for _, p := range r.args.within(r.args.stretch()) {
		e.attachments = append(e.attachments, r.args.attachments[p.num])
	}
}

func (e *encoder) rawMessage(text json.RawMessage) error {
	if text == nil {
		text = json.RawMessage("null")
	}
	if !validJSON(text, maxNesting) || !utf8.Valid(text) {
		return ErrInvalidJSON
	}
	return e.unmark(text)
}

// marshal appends any other value, the way encoding/json writes it.
func (e *encoder) marshal(arg any) error {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(arg); err != nil {
		return err
	}
	text := bytes.TrimSuffix(buf.Bytes(), []byte{'\n'})
	if !utf8.Valid(text) {
		return ErrInvalidJSON // from a RawMessage or a Marshaler within
	}
	return e.unmark(text)
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string. What is not UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			dst = append(dst, s[done:i]...)
			dst = appendEscaped(dst, c)
			i++
			done = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[done:i]...)
			dst = utf8.AppendRune(dst, utf8.RuneError)
			done = i + size
		}
		i += size
	}
	dst = append(dst, s[done:]...)
	return append(dst, '"')
}

func appendEscaped(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}
