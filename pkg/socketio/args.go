package socketio

// Args are the arguments of an event, without its name, or of an ack. They are the
// bytes that arrived: nothing is decoded before Bind. Args are immutable and may be
// kept; the zero value has no arguments. Given to Emit or Ack, they stand for all of
// the arguments, byte for byte.
type Args struct {
	text         []byte        // the JSON array they stand in
	few          [4]span       // the arguments, unless there are more of them
	many         []span        // all of them, when there are more than few holds
	from, to     int           // the arguments that count, of those
	placeholders []placeholder // of the whole text, in its order
	attachments  [][]byte      // of the whole text
}

// Len returns how many arguments there are.
func (a Args) Len() int { return a.to - a.from }

// At returns the argument with index i, counted from 0. One that was not sent is
// the zero Raw.
func (a Args) At(i int) Raw {
	if i < 0 || i >= a.Len() {
		return Raw{}
	}
	a.from += i
	a.to = a.from + 1
	return Raw{args: a}
}

// From returns the arguments from index i on, as a run. It is empty when there are
// none.
func (a Args) From(i int) Raw {
	a.from = min(a.from+max(i, 0), a.to)
	return Raw{args: a, run: true}
}

// Attachments returns the binary values of the packet that the arguments came with: num of
// a placeholder in their JSON counts in them. They must not be changed.
func (a Args) Attachments() [][]byte { return a.attachments }

// size is about how many bytes are kept with the arguments.
func (a *Args) size() int {
	n := len(a.text)
	for _, b := range a.attachments {
		n += len(b)
	}
	return n
}

// MarshalJSON lets Args stand anywhere inside an argument of Emit, as an array.
func (a Args) MarshalJSON() ([]byte, error) { return a.From(0).MarshalJSON() }

// span returns where the argument with index i stands in the text.
func (a *Args) span(i int) span {
	if a.many != nil {
		return a.many[a.from+i]
	}
	return a.few[a.from+i]
}

// stretch returns where the arguments stand in the text, from the first to the last.
func (a *Args) stretch() span {
	if a.from == a.to {
		return span{}
	}
	return span{a.span(0).start, a.span(a.Len() - 1).end}
}

// within returns the placeholders of one stretch of the text.
func (a *Args) within(s span) []placeholder {
	found := a.placeholders
	for len(found) > 0 && found[0].start < s.start {
		found = found[1:]
	}
	for len(found) > 0 && found[len(found)-1].start >= s.end {
		found = found[:len(found)-1]
	}
	return found
}
