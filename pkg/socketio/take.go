package socketio

import (
	"context"
	"errors"

	"github.com/causeway-rt/causeway/internal/sabotage"
)

// taking is a call of History.Take under way, or several about one session.
type taking struct {
	calls int
	epoch uint64 // the last that Taken told meanwhile: it may come before the call returns
}

// take makes the session this node's, and ends the socket that it had here.
func (r *recoverable) take(ctx context.Context, s *Socket, saved *SavedSession) error {
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	r.beginTake(saved.PID)
	err := r.history.Take(ctx, saved)
	former, late := r.endTake(s, saved, err == nil)
	switch {
	case errors.Is(err, ErrSessionTaken), late:
		return refusedTaken
	case errors.Is(err, ErrNoSession):
		return refusedUnknown
	case err != nil:
		return refusedUnavailable
	}
	if former != nil {
		former.takenOver()
	}
	return nil
}

func (r *recoverable) beginTake(pid string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.takes[pid] == nil {
		r.takes[pid] = new(taking)
	}
	r.takes[pid].calls++
}

// endTake notes whose the session is, if it was taken, and returns the socket that it
// belonged to here; late says that somebody else has taken it already.
func (r *recoverable) endTake(s *Socket, saved *SavedSession, won bool) (former *Socket, late bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.takes[saved.PID]
	if t.calls--; t.calls == 0 {
		delete(r.takes, saved.PID)
	}
	if !won {
		return nil, false
	}
	former = r.lives[saved.PID]
	late = t.epoch > saved.Epoch || former != nil && !former.life.before(saved.Epoch)
	s.life.mu.Lock()
	s.life.pid, s.life.epoch, s.life.over = saved.PID, saved.Epoch, late
	s.life.mu.Unlock()
	if late {
		return nil, true
	}
	r.own(s, saved.PID)
	return former, false
}

// taken is HistoryNode.Taken.
func (r *recoverable) taken(pid string, epoch uint64) {
	r.mu.Lock()
	s := r.lives[pid]
	if t := r.takes[pid]; t != nil {
		t.epoch = max(t.epoch, epoch)
	}
	r.mu.Unlock()
	if s != nil && s.life.before(epoch) && !sabotage.Fencing {
		s.takenOver()
	}
}

func (l *life) before(epoch uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.epoch < epoch
}
