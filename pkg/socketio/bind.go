package socketio

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// ErrMissingArgument says that fewer arguments came than Bind was to decode.
var ErrMissingArgument = errors.New("argument is missing")

// Bind decodes the arguments, in order, into what ptrs point to, as json.Unmarshal
// does. Arguments beyond ptrs are left out of account, and those whose pointer is
// nil are skipped.
//
// An attachment goes into a Binary at any depth, into a []byte as an argument of its
// own, and into an interface as a Binary; anywhere else it is ErrNotBinary. A *Raw
// takes the argument as it stands. What Bind stores is a copy, but for Raw.
func (a Args) Bind(ptrs ...any) error {
	for i, ptr := range ptrs {
		if ptr == nil {
			continue
		}
		if i >= a.Len() {
			return fmt.Errorf("argument %d: %w", i, ErrMissingArgument)
		}
		if err := a.bind(i, ptr); err != nil {
			return fmt.Errorf("argument %d: %w", i, err)
		}
	}
	return nil
}

func (a Args) bind(i int, ptr any) error {
	s := a.span(i)
	text := a.text[s.start:s.end]
	found := a.within(s)
	switch ptr := ptr.(type) {
	case *Raw:
		*ptr = a.At(i)
		return nil
	case *string:
		if value, ok := unquote(text); ok {
			*ptr = value
			return nil
		}
	case *[]byte:
		return a.bindBytes(ptr, s)
	case *Binary:
		return a.bindBytes((*[]byte)(ptr), s)
	}
	if len(found) == 0 {
		return json.Unmarshal(text, ptr)
	}
	if err := json.Unmarshal(a.appendMarked(nil, s), ptr); err != nil {
		if strings.Contains(err.Error(), string(marker)) {
			return ErrNotBinary // some quote what they could not read
		}
		return err
	}
	w := restorer{seen: map[any]bool{}}
	return w.restore(reflect.ValueOf(ptr), 0)
}

// bindBytes wants the whole argument to be an attachment, or null.
func (a *Args) bindBytes(ptr *[]byte, s span) error {
	found := a.within(s)
	switch {
	case len(found) == 1 && found[0].span == s:
		*ptr = append([]byte{}, a.attachments[found[0].num]...)
	case string(a.text[s.start:s.end]) == "null":
		*ptr = nil
	default:
		return ErrNotBinary
	}
	return nil
}

// restorer finds the marked strings that json.Unmarshal has stored where a string
// can be: in an interface they become Binary, elsewhere they are an error, so that
// the marker never gets out.
type restorer struct {
	seen map[any]bool // pointers followed: what a caller binds into may have cycles
}

func (w *restorer) restore(v reflect.Value, depth int) error {
	if depth > 2*maxNesting {
		return nil
	}
	switch v.Kind() {
	case reflect.Pointer:
		return w.pointer(v, depth)
	case reflect.Interface:
		return w.inInterface(v, depth)
	case reflect.String:
		if strings.HasPrefix(v.String(), string(marker)) {
			return ErrNotBinary
		}
	case reflect.Struct:
		return w.fields(v, depth)
	case reflect.Slice, reflect.Array:
		return w.elements(v, depth)
	case reflect.Map:
		return w.values(v, depth)
	}
	return nil
}

func (w *restorer) pointer(v reflect.Value, depth int) error {
	if v.IsNil() || w.seen[v.Interface()] {
		return nil
	}
	w.seen[v.Interface()] = true
	return w.restore(v.Elem(), depth+1)
}

// fields leaves out what json.Unmarshal can't set: unexported fields, but for those
// of embedded structs.
func (w *restorer) fields(v reflect.Value, depth int) error {
	for i := range v.NumField() {
		field := v.Field(i)
		if !field.CanInterface() && field.Kind() != reflect.Struct {
			continue
		}
		if err := w.restore(field, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (w *restorer) inInterface(v reflect.Value, depth int) error {
	if v.IsNil() || !v.CanSet() {
		return nil
	}
	text, ok := v.Interface().(string)
	if !ok {
		return w.restore(v.Elem(), depth+1)
	}
	if bin, ok := markedString([]byte(`"` + text + `"`)); ok {
		v.Set(reflect.ValueOf(Binary(bin)))
	}
	return nil
}

func (w *restorer) elements(v reflect.Value, depth int) error {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		if v.Type() == reflect.TypeFor[json.RawMessage]() && bytes.Contains(v.Bytes(), marker) {
			return ErrNotBinary
		}
		return nil
	}
	for i := range v.Len() {
		if err := w.restore(v.Index(i), depth+1); err != nil {
			return err
		}
	}
	return nil
}

// values can't set a map's values in place.
func (w *restorer) values(v reflect.Value, depth int) error {
	for _, key := range v.MapKeys() {
		value := reflect.New(v.Type().Elem()).Elem()
		value.Set(v.MapIndex(key))
		if err := w.restore(value, depth+1); err != nil {
			return err
		}
		v.SetMapIndex(key, value)
	}
	return nil
}
