package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

const (
	// lookInterval is how often a cluster is asked who has which slots when nothing
	// seems to have changed, and lookPause how long at least is between two looks.
	lookInterval, lookPause = 10 * time.Second, 100 * time.Millisecond
	// movedTimeout is how long a message waits to learn where its channel has gone.
	movedTimeout = time.Second
)

// Run implements socketio.Adapter, as Adapter.Run does. Config.StartTimeout is for each
// server of a cluster, and for finding them.
func (s *Sharded) Run(ctx context.Context, node socketio.Node) error {
	defer close(s.ended)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	runner := &laneRunner{Sharded: s, ctx: ctx, node: node, failed: cancel}
	s.answerer = newShardedAnswerer(ctx, s, node)
	runner.running.Go(func() { s.answerer.questions.run(ctx) })
	runner.running.Go(func() { s.answerer.events.run(ctx) })
	s.mu.Lock()
	for _, l := range s.lanes {
		runner.start(l)
	}
	s.mu.Unlock()
	close(s.started)
	err := runner.lookUntilDone()
	if err == nil {
		err = failure(ctx)
	}
	cancel(nil)
	runner.running.Wait()
	return err
}

// laneRunner is a Sharded while it runs.
type laneRunner struct {
	*Sharded
	ctx    context.Context
	node   socketio.Node
	failed context.CancelCauseFunc

	running sync.WaitGroup
}

// laneError is the end of a lane that was to go on.
type laneError struct{ error }

func failure(ctx context.Context) error {
	var failed laneError
	if errors.As(context.Cause(ctx), &failed) {
		return failed.error
	}
	return nil
}

// start runs a lane until the context ends, or l.stop is called.
func (r *laneRunner) start(l *lane) {
	ctx, stop := context.WithCancel(r.ctx)
	l.stop = stop
	r.running.Go(func() {
		defer stop()
		if err := l.Run(ctx, r.node); err != nil {
			r.failed(laneError{err})
		}
		if err := l.Adapter.Close(); err != nil {
			r.cfg.Logger.Warn("close redis client", "error", err)
		}
	})
}

// lookUntilDone keeps the lanes what the cluster is.
func (r *laneRunner) lookUntilDone() error {
	if r.cluster == nil {
		<-r.ctx.Done()
		return nil
	}
	start, found := time.Now(), false
	for r.ctx.Err() == nil {
		looked := time.Now()
		err := r.lookOnce()
		if err == nil {
			found = true
			if !r.waitToLook(looked, lookInterval) {
				return nil
			}
			continue
		}
		if !found && r.ctx.Err() == nil && r.cfg.StartTimeout > 0 && time.Since(start) >= r.cfg.StartTimeout {
			return fmt.Errorf("reach redis within %v: %w", r.cfg.StartTimeout, err)
		}
		r.log.warn("cluster does not say who has which slots", "", slog.Any("error", err))
		if !r.waitToLook(looked, lookPause) {
			break
		}
	}
	return nil
}

// waitToLook waits until something has changed, but not beyond latest after the last look,
// and not so short that looking is all that is done. It returns false if the context ends
// before.
func (r *laneRunner) waitToLook(last time.Time, latest time.Duration) bool {
	timer := time.NewTimer(time.Until(last.Add(latest)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.look:
	case <-r.ctx.Done():
		return false
	}
	return sleep(r.ctx, time.Until(last.Add(lookPause)))
}

// lookAround has the cluster asked soon where things are, and first the server that should
// know.
func (s *Sharded) lookAround(server string) {
	if server != "" {
		s.mu.Lock()
		s.hint = server
		s.mu.Unlock()
	}
	select {
	case s.look <- struct{}{}:
	default:
	}
}

// lookAgain returns when the cluster has been asked again where things are, or soon.
func (s *Sharded) lookAgain(ctx context.Context) {
	s.mu.RLock()
	changed := s.changed
	s.mu.RUnlock()
	s.lookAround("")
	limit := time.NewTimer(movedTimeout)
	defer limit.Stop()
	select {
	case <-changed:
	case <-limit.C:
	case <-s.ended:
	case <-ctx.Done():
	}
}

// putBack queues messages, which the server of l has refused, before all others on the lanes
// where their channels are. It returns false if that is l for any of them.
func (s *Sharded) putBack(l *lane, batch []publication) (known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	byLane := make(map[*lane][]publication)
	for _, m := range batch {
		byLane[s.lane(m.channel)] = append(byLane[s.lane(m.channel)], m)
	}
	for to, messages := range byLane {
		to.publisher.putBack(messages)
	}
	return byLane[l] == nil
}

func (r *laneRunner) lookOnce() error {
	r.mu.Lock()
	hint := r.hint
	r.hint = ""
	r.mu.Unlock()
	slots, err := r.cluster.slots(r.ctx, hint)
	if err != nil {
		return err
	}
	owners := ownersOf(slots)
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.follow(owners); err != nil {
		return err
	}
	r.sort(owners)
	close(r.changed)
	r.changed = make(chan struct{})
	for _, l := range r.lanes { // one that has not come back may have gone
		if !l.Healthy() {
			r.lookAround("")
			break
		}
	}
	return nil
}

// ownersOf returns the address of each slot's master, "" where there is none.
func ownersOf(slots []goredis.ClusterSlot) *[slotCount]string {
	var owners [slotCount]string
	for _, s := range slots {
		for i := max(s.Start, 0); i <= min(s.End, slotCount-1) && len(s.Nodes) > 0; i++ {
			owners[i] = s.Nodes[0].Addr
		}
	}
	return &owners
}

// follow needs mu. It sees to it that there is a lane to every master: where one has gone
// and another has its slots, that is a failover, and the lane leads there from now on.
func (r *laneRunner) follow(owners *[slotCount]string) error {
	var masters []string
	for _, address := range owners {
		if address != "" && !slices.Contains(masters, address) {
			masters = append(masters, address)
		}
	}
	for _, address := range masters {
		if r.laneTo(address) != nil {
			continue
		}
		if l := r.heir(address, owners, masters); l != nil {
			r.cfg.Logger.Info("shard has another master", "was", l.server(), "is", address)
			l.lead(address)
			continue
		}
		l, err := r.newLane(address)
		if err != nil {
			return err
		}
		r.lanes = append(r.lanes, l)
		r.start(l)
	}
	return nil
}

// laneTo needs mu.
func (r *laneRunner) laneTo(address string) *lane {
	for _, l := range r.lanes {
		if l.server() == address {
			return l
		}
	}
	return nil
}

// heir needs mu. It returns the lane whose master is none any more, and most of whose
// slots are now at address; nil if there is none.
func (r *laneRunner) heir(address string, owners *[slotCount]string, masters []string) (heir *lane) {
	if r.bySlot == nil {
		return nil
	}
	inherited, most := make(map[*lane]int), 0
	for slot, owner := range owners {
		l := r.bySlot[slot]
		if owner != address || l == nil || slices.Contains(masters, l.server()) {
			continue
		}
		if inherited[l]++; inherited[l] > most {
			heir, most = l, inherited[l]
		}
	}
	return heir
}

// sort needs mu. It moves what is on a lane that it does not belong to, and ends the lanes
// to which nothing belongs. A slot that nobody has stays where it was.
func (r *laneRunner) sort(owners *[slotCount]string) {
	var bySlot [slotCount]*lane
	losing := make(map[*lane]bool)
	for slot, owner := range owners {
		var was *lane
		if r.bySlot != nil {
			was = r.bySlot[slot]
		}
		bySlot[slot] = was
		if owner != "" {
			bySlot[slot] = r.laneTo(owner)
		}
		losing[was] = losing[was] || bySlot[slot] != was
	}
	r.bySlot = &bySlot
	now := time.Now()
	for _, l := range r.lanes {
		here := func(channel string) bool { to := r.lane(channel); return to == nil || to == l }
		for _, i := range l.interests.strays(here) {
			r.lane(i.name).interests.adopt(i, now)
		}
		r.sendOn(l, losing[l], here)
	}
	r.lanes = slices.DeleteFunc(r.lanes, func(l *lane) bool {
		if slices.Contains(bySlot[:], l) {
			return false
		}
		l.stop()
		r.retired.add(l.Stats()) // what it counts after this is lost, and little
		return true
	})
}

// sendOn needs mu. It moves the messages that wait on a lane and belong elsewhere. If the lane
// is losing channels, all others wait for what is out there: it may have to be sent on as
// well, and first.
func (r *laneRunner) sendOn(from *lane, losing bool, here func(channel string) bool) {
	strays, flight := from.publisher.strays(here)
	if flight != nil && losing {
		for _, l := range r.lanes {
			if l != from {
				l.publisher.follow(flight)
			}
		}
	}
	for _, m := range strays {
		p := r.lane(m.channel).publisher
		if err := p.enqueue(m); err != nil {
			p.settle(m, err)
		}
	}
}
