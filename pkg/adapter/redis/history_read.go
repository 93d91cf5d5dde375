package redis

import (
	"context"
	"errors"
	"fmt"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

const (
	// A page is what is read of a history at once.
	pageEvents, pageBytes = 1000, 1 << 20
	// pageTimeout is how long Redis may take for one.
	pageTimeout = answerTimeout
)

// errDiverged is both: see socketio.ErrDiverged.
var errDiverged = fmt.Errorf("%w: %w", socketio.ErrForgotten, socketio.ErrDiverged)

var errBadAnswer = errors.New("redis gave an answer of another form")

// page is a stretch of a history.
type page struct {
	head   socketio.Offset
	mark   string
	last   string   // where the next begins
	more   bool     // there is one
	events []string // id and payload in turn
}

// Read implements socketio.History. If the history is trimmed faster than it is read, the error
// ErrForgotten comes after f has been called.
func (a *Adapter) Read(ctx context.Context, namespace string, after socketio.Offset, f func(b *socketio.Broadcast, at socketio.Offset) bool) (socketio.Offset, error) {
	t, err := a.use(namespace)
	if err != nil {
		return socketio.Offset{}, err
	}
	head, _, err := a.read(ctx, t, after, func() {}, f)
	return head, err
}

// read is Read. It also returns the last mark, and calls progress for each page.
func (a *Adapter) read(ctx context.Context, t *track, after socketio.Offset, progress func(), f func(b *socketio.Broadcast, at socketio.Offset) bool) (head socketio.Offset, mark string, err error) {
	from := after.String()
	for {
		p, err := a.readPage(ctx, t, from)
		if err != nil {
			return socketio.Offset{}, "", err
		}
		progress()
		for i := 0; i < len(p.events); i += 2 {
			at, b := a.entry(t, p.events[i], p.events[i+1])
			if b != nil && !f(b, at) {
				return at, p.mark, nil
			}
		}
		if !p.more {
			return p.head, p.mark, nil
		}
		from = p.last
	}
}

// entry reads an event of the stream; nil if somebody else has written it there.
func (a *Adapter) entry(t *track, id, payload string) (socketio.Offset, *socketio.Broadcast) {
	m := &goredis.Message{Channel: t.stream, Payload: payload}
	at, err := socketio.ParseOffset(id)
	var b *socketio.Broadcast
	if err == nil {
		_, b, err = a.form.decode(complete(payload, id))
	}
	if err == nil && b.Namespace != t.namespace {
		err = errNamespace
	}
	if err != nil {
		a.drop(reasonOf(err), m, err)
		return at, nil
	}
	return at, b
}

func (a *Adapter) readPage(ctx context.Context, t *track, from string) (p page, err error) {
	pageCtx, cancel := context.WithTimeout(ctx, pageTimeout)
	defer cancel()
	answer, err := readScript.run(pageCtx, a.client, []string{t.stream, t.head}, from, pageEvents, pageBytes)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return p, fmt.Errorf("read history: %w", err)
	}
	list, _ := answer.([]any)
	if len(list) < 5 {
		return p, errBadAnswer
	}
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i], _ = v.(string)
	}
	switch texts[0] {
	case "ok":
	case "diverged":
		return p, errDiverged
	default:
		return p, socketio.ErrForgotten
	}
	if p.head, err = socketio.ParseOffset(texts[1]); err != nil {
		return p, errBadAnswer
	}
	p.mark, p.last, p.more = texts[2], texts[4], list[3] == int64(1)
	p.events = texts[5 : len(texts)-(len(texts)-5)%2]
	return p, nil
}
