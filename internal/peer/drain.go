package peer

import (
	"context"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/causeway-rt/causeway/internal/pace"
)

const (
	// methodRelease, in headerMethod, asks a session's owner to answer a held poll.
	methodRelease = "RELEASE"
	// releaseTimeout bounds that question.
	releaseTimeout = time.Second
	// releasePace is how often polls are let go of that have come late.
	releasePace = 250 * time.Millisecond
)

// Drain lets go of other nodes' sessions, evenly over window and with jitter. Tunnels
// end: their clients reconnect elsewhere. Held polls are answered with nothing by their
// sessions' owners, with the request to close the connection: the client asks again, and
// its session goes on through another node. Drain returns when nothing is left, or with
// ctx's error when that ends first.
func (f *Forwarder) Drain(ctx context.Context, window time.Duration) error {
	f.draining.Store(true)
	var releases sync.WaitGroup
	defer releases.Wait()
	var all []func()
	for _, t := range f.relays.all() {
		all = append(all, t.end)
	}
	for _, r := range f.held() {
		all = append(all, func() { releases.Go(func() { f.release(ctx, r) }) })
	}
	rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	if err := pace.Each(ctx, window, len(all), func(i int) { all[i]() }); err != nil {
		return err
	}
	return f.await(ctx)
}

// await returns when no request is under way. It lets go of those that came after Drain
// had begun.
func (f *Forwarder) await(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for f.pending() > 0 {
		var releases sync.WaitGroup
		for _, r := range f.held() {
			releases.Go(func() { f.release(ctx, r) })
		}
		releases.Wait()
		timer.Reset(releasePace)
		select {
		case <-f.idle:
		case <-timer.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// held are the polls under way.
func (f *Forwarder) held() []*http.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	var polls []*http.Request
	for r := range f.underWay {
		if r.Method == http.MethodGet {
			polls = append(polls, r)
		}
	}
	return polls
}

// release asks for the answer to a poll, if it still waits for one. What goes wrong shows
// in the poll: it ends with its node's session, or with this node's listener.
func (f *Forwarder) release(ctx context.Context, poll *http.Request) {
	f.mu.Lock()
	n := f.underWay[poll]
	f.mu.Unlock()
	if n == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, releaseTimeout)
	defer cancel()
	out := f.outgoing(ctx, poll, n)
	out.Header[headerMethod] = []string{methodRelease}
	if resp, err := f.transport.RoundTrip(out); err == nil {
		resp.Body.Close()
	}
}

// releaser is a Socket.IO handler that can answer a session's held poll.
type releaser interface {
	ReleasePoll(sid string)
}

// release has a poll answered that another node holds.
func (o *Receiver) release(w http.ResponseWriter, r *http.Request) {
	if sid := r.URL.Query()["sid"]; o.releaser != nil && len(sid) > 0 {
		o.releaser.ReleasePoll(sid[len(sid)-1])
	}
	w.WriteHeader(http.StatusNoContent)
}
