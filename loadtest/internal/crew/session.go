package crew

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/drive"
	"github.com/causeway-rt/causeway/loadtest/internal/machine"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

// session is a worker's part of one run.
type session struct {
	*service
	link *link

	// Set before the run begins.
	plan   plan.Plan
	part   drive.Part
	clocks drive.Clocks

	// What the coordinator says to the run.
	enters chan meeting
	settle chan told
	judge  chan told

	// interrupted ends the run early and in order; abandoned ends it at once.
	interrupted, abandoned context.Context
	interrupt, abandon     context.CancelFunc

	running sync.WaitGroup
	ended   string // how; "" if the coordinator has no result. Of drive, up to its end
	started bool
	logs    logbook // of other workers; the reading goroutine's
}

// told is what other workers have sent, and how their clocks compare with ours.
type told struct {
	logs  []audit.Log
	clock []audit.Skew
}

func (t told) skew(worker int) audit.Skew {
	if worker < len(t.clock) {
		return t.clock[worker]
	}
	return audit.Skew{}
}

// run serves a coordinator that has shown who it is, until its run is over.
func run(ctx context.Context, s *service, l *link, peer string) {
	r := &session{service: s, link: l}
	if err := r.prepare(ctx); err != nil {
		s.say("%s was refused: %v", peer, err)
		l.last(err.Error())
		r.drain()
		return
	}
	clients := 0
	for i := range r.plan.Groups {
		clients += r.plan.Most(i)
	}
	s.say("run for %s: %d of %d clients", peer, r.part.Clients(&r.plan), clients)
	r.abandoned, r.abandon = context.WithCancel(context.Background())
	r.interrupted, r.interrupt = context.WithCancel(r.abandoned)
	r.running.Go(func() {
		select {
		case <-r.abandoned.Done():
		case <-ctx.Done():
			l.last("the worker was stopped")
			r.abandon()
		}
	})
	err := r.listen()
	r.abandon()
	r.drain()
	r.running.Wait()
	if r.ended != "" {
		s.say("run for %s is over: %s", peer, r.ended)
	} else {
		s.say("run for %s was given up: %v", peer, err)
	}
}

// drain reads on until the peer has gone, so that what was said to it last arrives.
func (r *session) drain() {
	for {
		if _, _, _, err := r.link.read(); err != nil {
			return
		}
	}
}

// prepare hears what is to be done, and says that it can be, on this machine.
func (r *session) prepare(ctx context.Context) error {
	k, body, _, err := r.link.read()
	if err != nil {
		return err
	}
	a, err := decode[assignment](body)
	if err != nil {
		return err
	}
	if k != kindPlan || a.Workers < 1 || a.Workers > audit.MaxWorkers || a.Worker < 0 || a.Worker >= a.Workers {
		return errors.New("that is no plan")
	}
	r.link.silence.Store(int64(min(max(a.Silence, leastSilence), mostSilence)))
	r.plan, r.part = a.Plan, drive.Part{Worker: a.Worker, Workers: a.Workers, Clock: r.clock, Clocks: &r.clocks}
	p := &r.plan
	p.Metrics, p.PIDs, p.Expect = nil, nil, "" // are the coordinator's
	if p.Token != nil {
		p.Token.SetKey(a.TokenKey) // and no file of this machine is read
	}
	if len(r.Sources) > 0 {
		p.Sources = r.Sources
	}
	if err := p.Complete(); err != nil {
		return err
	}
	looking, cancel := context.WithTimeout(ctx, greeting)
	defer cancel()
	fit, err := machine.CheckPart(looking, p, a.Workers, machine.Read())
	if err != nil {
		return err
	}
	p.Sources = fit.Sources
	r.enters = make(chan meeting, len(p.Phases))
	r.settle, r.judge = make(chan told, 1), make(chan told, 1)
	return r.link.send(kindReady, ready{Clients: r.part.Clients(p), Machine: machine.Describe(), Warnings: fit.Warnings})
}

// listen hears the coordinator until it is gone, and returns how.
func (r *session) listen() error {
	for {
		k, body, _, err := r.link.read()
		received := r.clock.Now()
		if err != nil {
			return err
		}
		if err := r.hear(k, body, received); err != nil {
			r.link.last(err.Error())
			return err
		}
	}
}

// hear does not wait for the run, nor for the link: pings are to be answered.
func (r *session) hear(k kind, body []byte, received int64) error {
	switch k {
	case kindPing:
		p, err := decode[ping](body)
		if err != nil {
			return err
		}
		r.link.try(kindPong, pong{Sent: p.Sent, Received: received, Answered: r.clock.Now()})
	case kindStart:
		s, err := decode[start](body)
		if err != nil || r.started {
			return errors.Join(err, errOrder)
		}
		r.started = true
		r.setClocks(s.Behind)
		r.part.Start = r.clock.Time(s.At)
		r.running.Go(r.drive)
	case kindClocks:
		c, err := decode[clocks](body)
		if err != nil {
			return err
		}
		r.setClocks(c.Behind)
	case kindEnter:
		m, err := decode[meeting](body)
		if err != nil {
			return err
		}
		return offer(r.enters, m)
	case kindLogs:
		logs, err := decode[[]audit.Log](body)
		if err != nil {
			return err
		}
		return r.logs.add(logs)
	case kindSettle, kindJudge:
		s, err := decode[skews](body)
		if err != nil {
			return err
		}
		to := r.settle
		if k == kindJudge {
			to = r.judge
		}
		return offer(to, told{logs: r.logs.of(s.Known), clock: s.Of})
	case kindStop:
		r.interrupt()
	default:
		return errOrder
	}
	return nil
}

var errOrder = errors.New("the coordinator said something that does not belong there")

// offer gives the run something, unless it has been given too much already.
func offer[T any](to chan T, v T) error {
	select {
	case to <- v:
		return nil
	default:
		return errOrder
	}
}

func (r *session) setClocks(behind []time.Duration) {
	for worker, d := range behind[:min(len(behind), audit.MaxWorkers)] {
		r.clocks.Set(worker, d)
	}
}

// cannot is why a part could not be run to its end.
func (r *session) cannot(what string, err error) {
	r.link.last(fmt.Sprintf("%s: %v", what, err))
}
