package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"unicode/utf8"
)

// ErrReservedEvent says that an event's name has a meaning of its own in the
// protocol: connect, connect_error, disconnect, disconnecting, newListener and
// removeListener can neither be emitted nor received. Of the events between servers
// (ServerSideEmit) these are connect, connection and new_namespace.
var ErrReservedEvent = errors.New("event name is reserved")

var (
	errTooManyArgs     = errors.New("too many arguments")
	errEventName       = errors.New("event name is neither a string nor a number")
	errEventNameLength = errors.New("event name is too long")
)

// parseEvent reads the array of an event: its name and its arguments, which alias
// array and attachments. A name that is a number is returned as it is written.
// Without attachments, objects that look like placeholders are like any other.
func parseEvent(array []byte, attachments [][]byte, lim *limits) (name string, args Args, err error) {
	return parseNamed(array, attachments, lim, reservedEvent)
}

// parseServerEvent is parseEvent for an event between servers.
func parseServerEvent(array []byte, attachments [][]byte, lim *limits) (name string, args Args, err error) {
	return parseNamed(array, attachments, lim, reservedServerEvent)
}

func parseNamed(array []byte, attachments [][]byte, lim *limits, reserved func(string) bool) (name string, args Args, err error) {
	p := newArgsParser(array, attachments, lim)
	first, ok, err := p.element()
	if err != nil {
		return "", Args{}, err
	}
	if !ok {
		return "", Args{}, errEventName
	}
	if name, err = eventName(array[first.start:first.end], lim); err != nil {
		return "", Args{}, err
	}
	if reserved(name) {
		return "", Args{}, ErrReservedEvent
	}
	if args, err = p.rest(); err != nil {
		return "", Args{}, err
	}
	return name, args, nil
}

// parseArgs reads the array of an ack, like parseEvent. No array at all is an ack
// without arguments.
func parseArgs(array []byte, attachments [][]byte, lim *limits) (Args, error) {
	if len(array) == 0 && len(attachments) == 0 {
		return Args{}, nil
	}
	p := newArgsParser(array, attachments, lim)
	return p.rest()
}

// argsParser reads an array element by element.
type argsParser struct {
	scan        scanner
	lim         *limits
	attachments [][]byte
	began       bool
}

func newArgsParser(array []byte, attachments [][]byte, lim *limits) argsParser {
	p := argsParser{scan: scanner{text: array, depth: lim.depth - 1}, lim: lim, attachments: attachments}
	if len(attachments) > 0 {
		p.scan.placeholders = &placeholderFinder{}
	}
	return p
}

// element reads the next element, or reports that the array has ended, with
// nothing behind it.
func (p *argsParser) element() (e span, ok bool, err error) {
	s := &p.scan
	c := s.peek()
	s.pos++
	switch {
	case !p.began && (c != '[' || len(s.text) > math.MaxUint32):
		return span{}, false, errPayload
	case !p.began:
		p.began = true
		if s.peek() == ']' {
			s.pos++
			return span{}, false, s.atEnd()
		}
	case c == ']':
		return span{}, false, s.atEnd()
	case c != ',':
		return span{}, false, errJSON
	}
	s.peek()
	start := s.pos
	if err := s.value(); err != nil {
		return span{}, false, err
	}
	return span{uint32(start), uint32(s.pos)}, true, nil
}

// rest reads the elements that are left.
func (p *argsParser) rest() (Args, error) {
	args := Args{text: p.scan.text}
	for {
		e, ok, err := p.element()
		if err != nil {
			return Args{}, err
		}
		if !ok {
			break
		}
		if args.to == p.lim.args {
			return Args{}, errTooManyArgs
		}
		args.add(e)
	}
	if found := p.scan.placeholders; found != nil {
		if err := found.match(len(p.attachments)); err != nil {
			return Args{}, err
		}
		args.placeholders, args.attachments = found.found, p.attachments
	}
	return args, nil
}

func (a *Args) add(e span) {
	switch {
	case a.to < len(a.few):
		a.few[a.to] = e
	case a.to == len(a.few):
		a.many = append(append(make([]span, 0, 4*len(a.few)), a.few[:]...), e)
	default:
		a.many = append(a.many, e)
	}
	a.to++
}

// eventName reads the first element of an event's array.
func eventName(text []byte, lim *limits) (string, error) {
	var name string
	switch c := text[0]; {
	case c == '-', c >= '0' && c <= '9':
		name = string(text)
	case c == '"' && len(text) > 6*lim.nameBytes+2: // however much of it is escapes
		return "", errEventNameLength
	case c == '"':
		name, _ = unquote(text)
	default:
		return "", errEventName
	}
	if len(name) > lim.nameBytes {
		return "", errEventNameLength
	}
	return name, nil
}

func reservedEvent(name string) bool {
	switch name {
	case "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener":
		return true
	}
	return false
}

// reservedServerEvent has the names that a server emits to itself (protocol.md 3.3): the
// official server would call its connection listeners with what another node sent.
func reservedServerEvent(name string) bool {
	return name == "connect" || name == "connection" || name == "new_namespace"
}

// unquote returns the value of a valid JSON string, and false for other values.
func unquote(text []byte) (string, bool) {
	if len(text) < 2 || text[0] != '"' {
		return "", false
	}
	inner := text[1 : len(text)-1]
	if bytes.IndexByte(inner, '\\') < 0 && utf8.Valid(inner) {
		return string(inner), true
	}
	var value string
	err := json.Unmarshal(text, &value)
	return value, err == nil
}
