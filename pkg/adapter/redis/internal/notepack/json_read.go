package notepack

// AppendJSON appends the MessagePack form of text, one JSON value, to dst. Where text
// has the placeholder objects of attachments, numbered from 0 in order, their bytes are
// written. With an error the result is dst as it was.
func AppendJSON(dst, text []byte, attachments [][]byte) ([]byte, error) {
	r := jsonReader{text: text, dst: dst, attachments: attachments}
	if err := r.document(); err != nil {
		return dst, err
	}
	return r.dst, nil
}

// jsonReader walks over JSON text and appends MessagePack as it goes.
type jsonReader struct {
	text        []byte
	at          int // index into text of the next byte
	dst         []byte
	attachments [][]byte
	used        int // how many of attachments have been written
}

func (r *jsonReader) document() error {
	if err := r.value(0); err != nil {
		return err
	}
	if r.skipSpace(); r.at != len(r.text) {
		return ErrJSON
	}
	if r.used != len(r.attachments) {
		return ErrPlaceholder
	}
	return nil
}

func (r *jsonReader) value(depth int) error {
	switch c := r.next(); c {
	case '{':
		return r.object(depth + 1)
	case '[':
		return r.array(depth + 1)
	case '"':
		return r.string()
	case 't':
		return r.literal("true", 0xc3)
	case 'f':
		return r.literal("false", 0xc2)
	case 'n':
		return r.literal("null", 0xc0)
	}
	return r.number()
}

// next skips white space and returns the byte after it without consuming it; 0 is the
// end of the text, or a byte that begins nothing.
func (r *jsonReader) next() byte {
	r.skipSpace()
	if r.at == len(r.text) {
		return 0
	}
	return r.text[r.at]
}

func (r *jsonReader) skipSpace() {
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return
		}
	}
}

func (r *jsonReader) array(depth int) error {
	if depth > MaxDepth {
		return ErrDepth
	}
	r.at++
	head, n := r.reserveHead(), 0
	if r.next() == ']' {
		r.at++
	} else {
		for more := true; more; n++ {
			if err := r.value(depth); err != nil {
				return err
			}
			var err error
			if more, err = r.comma(']'); err != nil {
				return err
			}
		}
	}
	r.dst = setHead(r.dst, head, n, arrayForms)
	return nil
}

func (r *jsonReader) object(depth int) error {
	if depth > MaxDepth {
		return ErrDepth
	}
	if len(r.attachments) > 0 {
		num, end := placeholder(r.text[r.at:])
		if end > 0 {
			return r.attachment(num, end)
		}
	}
	r.at++
	head, n := r.reserveHead(), 0
	if r.next() == '}' {
		r.at++
	} else {
		for more := true; more; n++ {
			if err := r.entry(depth); err != nil {
				return err
			}
			var err error
			if more, err = r.comma('}'); err != nil {
				return err
			}
		}
	}
	r.dst = setHead(r.dst, head, n, mapForms)
	return nil
}

func (r *jsonReader) entry(depth int) error {
	if r.next() != '"' {
		return ErrJSON
	}
	key := len(r.dst)
	if err := r.string(); err != nil {
		return err
	}
	if r.next() != ':' {
		return ErrJSON
	}
	r.at++
	if r.next() == 't' && len(r.attachments) > 0 && string(r.dst[key:]) == packedPlaceholderKey {
		return ErrPlaceholder // a client would take the object for one
	}
	return r.value(depth)
}

// comma consumes what follows an element, and says whether another one does.
func (r *jsonReader) comma(end byte) (bool, error) {
	switch r.next() {
	case ',':
		r.at++
		return true, nil
	case end:
		r.at++
		return false, nil
	}
	return false, ErrJSON
}

func (r *jsonReader) reserveHead() int {
	r.dst = append(r.dst, 0)
	return len(r.dst) - 1
}

func (r *jsonReader) attachment(num, end int) error {
	if num != r.used || num >= len(r.attachments) {
		return ErrPlaceholder
	}
	r.dst = AppendBinary(r.dst, r.attachments[num])
	r.used++
	r.at += end
	return nil
}

func (r *jsonReader) literal(word string, code byte) error {
	if len(r.text)-r.at < len(word) || string(r.text[r.at:r.at+len(word)]) != word {
		return ErrJSON
	}
	r.at += len(word)
	r.dst = append(r.dst, code)
	return nil
}
