package drive

import (
	"bytes"

	"github.com/causeway-rt/causeway/internal/wire"
	"github.com/causeway-rt/causeway/loadtest/internal/measure"
)

// Event judges a message and takes its time.
func (c *client) Event(_ *wire.Client, e *wire.Event) {
	c.rec.Add(measure.Received, c.number, 1)
	if string(e.Name) != c.shapes.Receive {
		return
	}
	payload := payloadOf(e, c.shapes.Argument)
	c.mu.Lock()
	if c.state == gone {
		c.mu.Unlock()
		return
	}
	unanswered := c.state == entering && !c.shapes.JoinAck
	if unanswered {
		c.joinedAll()
	}
	stamp, verdict := c.sub.Received(payload)
	c.mu.Unlock()
	if unanswered {
		c.enter()
	}
	if verdict.First() && !c.slow {
		c.rec.Latency(measure.Delivery, c.number, c.since(c.part.Clocks.due(stamp), e.At))
	}
}

// payloadOf is the argument of the event that has the payload: a string without its
// quotes, or an attachment; nil if it is neither. It is valid as long as the event.
func payloadOf(e *wire.Event, argument int) []byte {
	rest := e.Args
	for ; argument > 0; argument-- {
		end := endOfValue(rest)
		if end >= len(rest) {
			return nil
		}
		rest = rest[end+1:]
	}
	switch {
	case len(rest) == 0:
		return nil
	case rest[0] == '"':
		if end := bytes.IndexByte(rest[1:], '"'); end >= 0 {
			return rest[1 : 1+end]
		}
	case rest[0] == '{' && len(e.Attachments) > 0:
		return attachmentOf(e, rest[:endOfValue(rest)])
	}
	return nil
}

// attachmentOf is the attachment that a placeholder stands for.
func attachmentOf(e *wire.Event, placeholder []byte) []byte {
	_, num, ok := bytes.Cut(placeholder, []byte(`"num":`))
	if !ok {
		return nil
	}
	n := 0
	for _, d := range num {
		if d < '0' || d > '9' || n >= len(e.Attachments) {
			break
		}
		n = n*10 + int(d-'0')
	}
	if n >= len(e.Attachments) {
		return nil
	}
	return e.Attachments[n]
}

// endOfValue is where the first of several JSON values ends: the index of the comma
// behind it, or the length of all.
func endOfValue(b []byte) int {
	depth, text := 0, false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case text && c == '\\':
			i++
		case c == '"':
			text = !text
		case text:
		case c == '[' || c == '{':
			depth++
		case c == ']' || c == '}':
			depth--
		case c == ',' && depth == 0:
			return i
		}
	}
	return len(b)
}
