package redis

import (
	"context"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// The histories of a sharded adapter are those of its only lane.

// CanRecord is Adapter.CanRecord.
func (s *Sharded) CanRecord() error {
	if s.cluster != nil {
		return errNoHistoryInCluster
	}
	return s.lanes[0].CanRecord()
}

// only returns the lane; its lanes never change without a cluster.
func (s *Sharded) only() (*lane, error) {
	if s.cluster != nil {
		return nil, errNoHistoryInCluster
	}
	return s.lanes[0], nil
}

// Record implements socketio.History, as Adapter.Record does.
func (s *Sharded) Record(b *socketio.Broadcast) error {
	l, err := s.only()
	if err != nil {
		return err
	}
	return l.Record(b)
}

// Read implements socketio.History, as Adapter.Read does.
func (s *Sharded) Read(ctx context.Context, namespace string, after socketio.Offset, f func(b *socketio.Broadcast, at socketio.Offset) bool) (socketio.Offset, error) {
	l, err := s.only()
	if err != nil {
		return socketio.Offset{}, err
	}
	return l.Read(ctx, namespace, after, f)
}

// Save implements socketio.History, as Adapter.Save does.
func (s *Sharded) Save(ctx context.Context, session *socketio.SavedSession) (socketio.Offset, error) {
	l, err := s.only()
	if err != nil {
		return socketio.Offset{}, err
	}
	return l.Save(ctx, session)
}

// Look implements socketio.History.
func (s *Sharded) Look(ctx context.Context, namespace, pid string) (*socketio.SavedSession, error) {
	l, err := s.only()
	if err != nil {
		return nil, err
	}
	return l.Look(ctx, namespace, pid)
}

// Take implements socketio.History.
func (s *Sharded) Take(ctx context.Context, session *socketio.SavedSession) error {
	l, err := s.only()
	if err != nil {
		return err
	}
	return l.Take(ctx, session)
}

// Keep implements socketio.History.
func (s *Sharded) Keep(ctx context.Context, sessions []*socketio.SavedSession) (stale []*socketio.SavedSession, err error) {
	l, err := s.only()
	if err != nil {
		return nil, err
	}
	return l.Keep(ctx, sessions)
}

// Release implements socketio.History.
func (s *Sharded) Release(ctx context.Context, session *socketio.SavedSession, mayReturn bool) error {
	l, err := s.only()
	if err != nil {
		return err
	}
	return l.Release(ctx, session, mayReturn)
}
