package drive

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"

	"github.com/causeway-rt/causeway/internal/wire"
	"github.com/causeway-rt/causeway/loadtest/internal/measure"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

const (
	// rushing is how many connect at once when all are to be there as soon as possible.
	rushing = 64
	// mostAttempts is how many attempts may be on their way at once. Those that come when
	// so many wait for an answer have failed.
	mostAttempts = 8192
)

var (
	errCrowded = errors.New("8192 other attempts are waiting for an answer")
	errNoTurn  = errors.New("the run was over before its turn came")
)

// dialer connects clients for the first time.
type dialer struct {
	*run
	config   wire.Config // what all have in common
	ids      *plan.Identities
	sources  []netip.Addr
	rush     chan struct{}
	attempts chan struct{}
}

func newDialer(r *run) (*dialer, error) {
	p := r.whole
	d := &dialer{run: r, rush: make(chan struct{}, rushing), attempts: make(chan struct{}, mostAttempts)}
	var err error
	if d.ids, err = p.Identities(); err != nil {
		return nil, err
	}
	d.config = wire.Config{Path: p.Path, Namespace: p.Namespace, Timeout: p.ConnectTimeout, AckTimeout: p.AckTimeout}
	if p.Insecure {
		d.config.TLS = &tls.Config{InsecureSkipVerify: true}
	}
	if !p.Reconnect.Off {
		d.config.Reconnect = &wire.Backoff{Delay: p.Reconnect.Delay, Max: p.Reconnect.Max, Factor: p.Reconnect.Factor}
	}
	for _, s := range p.Sources {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return nil, fmt.Errorf("sources: %w", err)
		}
		d.sources = append(d.sources, a)
	}
	return d, nil
}

// all connects clients as fast as it goes. It does not wait.
func (d *dialer) all(clients []*client) {
	if len(clients) == 0 {
		return
	}
	d.work.Go(func() {
		for _, c := range clients {
			select {
			case <-d.life.Done():
				c.failed(errNoTurn)
				continue
			case d.rush <- struct{}{}:
			}
			d.work.Go(func() {
				d.dial(c)
				<-d.rush
			})
		}
	})
}

// now connects a client whose time has come. It does not wait.
func (d *dialer) now(c *client) {
	select {
	case d.attempts <- struct{}{}:
		d.work.Go(func() {
			d.dial(c)
			<-d.attempts
		})
	default:
		c.failed(errCrowded)
	}
}

// dial connects a client, and closes the connection again if that is not wanted any more.
func (d *dialer) dial(c *client) {
	cfg, err := d.configOf(c)
	var w *wire.Client
	if err == nil {
		w, err = wire.Dial(d.life, cfg)
	}
	if err != nil {
		c.failed(err)
		return
	}
	c.rec.Add(measure.Attempts, c.number, 1)
	c.mu.Lock()
	unwanted := c.state == gone
	c.mu.Unlock()
	if unwanted {
		d.close(c, w)
	}
}

// close ends a connection, and counts its last bytes.
func (r *run) close(c *client, w *wire.Client) {
	if err := w.Close(); err != nil {
		r.rec.Error("close: "+wire.Class(err), err)
	}
	c.mu.Lock()
	c.count(w)
	c.mu.Unlock()
}

// failed is a first connection that could not be made. The client stays, and what it
// misses is counted, for as long as it would have stayed.
func (c *client) failed(err error) {
	c.rec.Add(measure.Attempts, c.number, 1)
	c.rec.Add(measure.ConnectErrors, c.number, 1)
	c.rec.Error("connect: "+classOf(err), err)
	c.mu.Lock()
	first := false
	if c.state != gone {
		c.state = outcast
		first = c.settle()
		for i := range c.rooms() {
			c.sub.AbsentSince(c.room(i).Room, c.wanted)
		}
	}
	c.mu.Unlock()
	if first {
		c.agenda.add(dueThing{at: c.clock(), what: beginStay, who: c})
	}
}

func classOf(err error) string {
	switch {
	case errors.Is(err, errCrowded):
		return "too many at once"
	case errors.Is(err, errNoTurn), errors.Is(err, context.Canceled):
		return "given up"
	}
	return wire.Class(err)
}

// configOf is how a client connects.
func (d *dialer) configOf(c *client) (cfg wire.Config, err error) {
	cfg = d.config
	cfg.Handler = c
	cfg.URL = d.whole.URLs[c.number%len(d.whole.URLs)]
	if t := c.plan.Transport; len(t) > 0 {
		cfg.Transport = wire.Transport(t[c.number%len(t)])
	}
	if len(d.sources) > 0 {
		cfg.LocalAddr = d.sources[c.number%len(d.sources)]
	}
	if c.slow {
		cfg.ReceiveBuffer = slowBuffer
	}
	if d.whole.Auth != nil {
		cfg.Auth = func() ([]byte, error) { return d.ids.Auth(c.number) }
	}
	if len(d.whole.Header) > 0 {
		cfg.Header, err = d.ids.Header(c.number)
	}
	return cfg, err
}

// slowBuffer is the kernel's receive buffer of slow readers: what it holds hides their
// slowness from the server.
const slowBuffer = 4 << 10
