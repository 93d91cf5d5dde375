package redis

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// The record of a session is one text, for it costs least: "<epoch> <owner> <sent> <seen> " and what
// the scripts do not look at, see appendSession. The owner is the end of the name of a node's
// probe channel, by which it is told when it is none any more.

const (
	// maxPIDBytes bounds what is taken for the secret of a session.
	maxPIDBytes = 64
	// keepBatch is how many records one script looks at.
	keepBatch = 100
)

// validPID keeps what a client made up out of the names of keys.
func validPID(pid string) bool {
	if pid == "" || len(pid) > maxPIDBytes {
		return false
	}
	return strings.IndexFunc(pid, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) < 0
}

func (a *Adapter) owner() string {
	return strings.TrimSuffix(strings.TrimPrefix(a.probeChannel, a.names.probes), "#")
}

// sessionLife is how long a record lives without Keep, in ms: its owner keeps it every half Window,
// and may be late by half as much.
func (t *track) sessionLife() int64 { return (t.window + 3*t.window/4).Milliseconds() }

// Save implements socketio.History. It goes in the order of what is recorded. The errors
// are ErrNoHistory and those of Broadcast besides.
func (a *Adapter) Save(ctx context.Context, s *socketio.SavedSession) (head socketio.Offset, err error) {
	t, err := a.use(s.Namespace)
	if err != nil {
		return head, err
	}
	if !validPID(s.PID) {
		return head, fmt.Errorf("%w: malformed pid", ErrBadEvent)
	}
	args := []any{s.Epoch, a.owner(), s.Sent.String(), s.Seen.String(), t.sessionLife(), t.keptFor().Milliseconds()}
	size := 0
	for _, piece := range sessionPieces(s) {
		args = append(args, piece)
		size += len(piece)
	}
	if size > a.cfg.MaxMessageBytes {
		return head, fmt.Errorf("%w: %w", ErrBadEvent, errTooLarge)
	}
	answer, err := a.call(ctx, &scriptCall{
		script: saveScript, keys: []string{a.names.session(s.Namespace, s.PID), t.stream, t.head}, args: args, size: size,
	})
	if err != nil {
		return head, fmt.Errorf("save session: %w", err)
	}
	text, ok := answer.(string)
	if !ok {
		return head, socketio.ErrSessionTaken
	}
	if head, err = socketio.ParseOffset(text); err != nil {
		return head, errBadAnswer
	}
	return head, nil
}

// Look implements socketio.History.
func (a *Adapter) Look(ctx context.Context, namespace, pid string) (*socketio.SavedSession, error) {
	if _, err := a.use(namespace); err != nil {
		return nil, err
	}
	if !validPID(pid) {
		return nil, socketio.ErrNoSession
	}
	answer, err := a.call(ctx, &scriptCall{script: lookScript, keys: []string{a.names.session(namespace, pid)}})
	if err != nil {
		return nil, fmt.Errorf("look for session: %w", err)
	}
	record, ok := answer.(string)
	if !ok {
		return nil, socketio.ErrNoSession
	}
	s, err := parseSession(record)
	if err != nil {
		a.log.warn("malformed session record", "")
		return nil, fmt.Errorf("%w: %w", socketio.ErrNoSession, err)
	}
	s.Namespace, s.PID = namespace, pid
	return s, nil
}

// Take implements socketio.History.
func (a *Adapter) Take(ctx context.Context, s *socketio.SavedSession) error {
	t, err := a.use(s.Namespace)
	if err != nil {
		return err
	}
	if !validPID(s.PID) {
		return socketio.ErrNoSession
	}
	rest := strings.Join(sessionPieces(s), "")
	next := strconv.FormatUint(s.Epoch+1, 10)
	answer, err := a.call(ctx, &scriptCall{
		script: takeScript, keys: []string{a.names.session(s.Namespace, s.PID)}, size: len(rest),
		args: []any{s.Epoch, rest, next, a.owner(), t.sessionLife(), a.names.probes, takenPrefix + next + " " + s.PID + " " + s.Namespace},
	})
	if err != nil {
		return fmt.Errorf("take session: %w", err)
	}
	switch answer {
	case "ok":
		s.Epoch++
		return nil
	case "none":
		return socketio.ErrNoSession
	}
	return socketio.ErrSessionTaken
}

// Keep implements socketio.History.
func (a *Adapter) Keep(ctx context.Context, sessions []*socketio.SavedSession) (stale []*socketio.SavedSession, err error) {
	byNamespace := make(map[string][]*socketio.SavedSession)
	for _, s := range sessions {
		byNamespace[s.Namespace] = append(byNamespace[s.Namespace], s)
	}
	for namespace, list := range byNamespace {
		t, err := a.use(namespace)
		if err != nil {
			return stale, err
		}
		for len(list) > 0 {
			n := min(len(list), keepBatch)
			gone, err := a.keep(ctx, list[:n], t.sessionLife(), true)
			if err != nil {
				return stale, fmt.Errorf("keep sessions: %w", err)
			}
			stale, list = append(stale, gone...), list[n:]
		}
	}
	return stale, nil
}

// keep lets records live on for some ms, or for none, and returns those of which this is not the
// owner. With note what was sent is written as well.
func (a *Adapter) keep(ctx context.Context, sessions []*socketio.SavedSession, life int64, note bool) (stale []*socketio.SavedSession, err error) {
	c := &scriptCall{script: keepScript, args: []any{a.owner(), life}}
	for _, s := range sessions {
		sent, seen := "", ""
		if note {
			sent, seen = s.Sent.String(), s.Seen.String()
		}
		c.keys = append(c.keys, a.names.session(s.Namespace, s.PID))
		c.args = append(c.args, s.Epoch, sent, seen)
	}
	answer, err := a.call(ctx, c)
	if err != nil {
		return nil, err
	}
	places, ok := answer.([]any)
	if !ok {
		return nil, errBadAnswer
	}
	for _, v := range places {
		if i, ok := v.(int64); ok && i > 0 && int(i) <= len(sessions) {
			stale = append(stale, sessions[i-1])
		}
	}
	return stale, nil
}

// Release implements socketio.History.
func (a *Adapter) Release(ctx context.Context, s *socketio.SavedSession, mayReturn bool) error {
	t, err := a.use(s.Namespace)
	if err != nil {
		return err
	}
	life := int64(0)
	if mayReturn {
		life = max(t.window.Milliseconds(), 1)
	}
	if _, err := a.keep(ctx, []*socketio.SavedSession{s}, life, false); err != nil {
		return fmt.Errorf("release session: %w", err)
	}
	return nil
}
