// Package calm waits until servers are at rest between two runs, so that what one has
// left behind is not measured in the next.
package calm

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/scrape"
)

const (
	// look is how often servers are looked at, and what their CPU is measured over.
	look = 250 * time.Millisecond
	// prompt is how soon a server at rest answers.
	prompt = 250 * time.Millisecond
	// answer bounds the wait for an answer.
	answer = 2 * time.Second
	// idle is, in cores, how much more than before the first run a server at rest uses.
	idle = .1
)

// ErrNoAnswer is for a server that is gone.
var ErrNoAnswer = errors.New("no answer")

// Servers are those of a plan. It is used by one goroutine.
type Servers struct {
	urls    []string
	scraper *scrape.Scraper
	client  *http.Client
	before  state // what rest is
}

// state is what all watched servers use.
type state struct {
	samples []result.Sample
	cores   []float64 // of each, over the time of a look; below 0: not known
}

// Watch begins with servers that are at rest: it takes the time of one look to see what
// they use then, if they are watched.
func Watch(ctx context.Context, p *plan.Plan) (*Servers, error) {
	scraper, err := scrape.New(p.Metrics, p.PIDs, time.Second)
	if err != nil {
		return nil, err
	}
	s := &Servers{scraper: scraper, client: &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true, Proxy: nil, TLSClientConfig: &tls.Config{InsecureSkipVerify: p.Insecure}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	for _, url := range p.URLs {
		// A session that there is not: any server refuses it, and none keeps anything of it.
		s.urls = append(s.urls, url+p.Path+"?EIO=4&transport=polling&sid=none")
	}
	s.before = s.state(ctx)
	return s, nil
}

// Close ends idle connections.
func (s *Servers) Close() {
	s.scraper.Close()
	s.client.CloseIdleConnections()
}

// Wait returns when all servers answer promptly and, as far as they are watched, have no
// more connections and bytes in queues than at the beginning, and hardly more to do. When
// patience is at its end it says what is not so yet: ErrNoAnswer, of one that does not
// answer at all.
func (s *Servers) Wait(ctx context.Context, patience time.Duration) error {
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		err := s.restless(ctx)
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		select {
		case <-late.C:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(look):
		}
	}
}

// restless is why the servers are not at rest, nil if they are.
func (s *Servers) restless(ctx context.Context) error {
	for _, url := range s.urls {
		took, err := s.ask(ctx, url)
		if err != nil {
			return err
		}
		if took > prompt {
			return fmt.Errorf("an answer took %s", result.Time(took))
		}
	}
	now := s.state(ctx)
	for i, server := range s.scraper.Servers() {
		was, is := s.before.samples[i], now.samples[i]
		switch {
		case was.Connections >= 0 && is.Connections > was.Connections:
			return fmt.Errorf("%s has %d connections, and had %d before the first run", server.Name, is.Connections, was.Connections)
		case was.QueueBytes >= 0 && is.QueueBytes > was.QueueBytes:
			return fmt.Errorf("%s has %d bytes in queues, and had %d before the first run", server.Name, is.QueueBytes, was.QueueBytes)
		case s.before.cores[i] >= 0 && now.cores[i] > s.before.cores[i]+idle:
			return fmt.Errorf("%s uses %.2f cores, and used %.2f before the first run", server.Name, now.cores[i], s.before.cores[i])
		}
	}
	return nil
}

// ask returns how long a server takes to answer anything.
func (s *Servers) ask(ctx context.Context, url string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, answer)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	got, err := s.client.Do(r)
	if err != nil {
		return 0, fmt.Errorf("%w of %s: %w", ErrNoAnswer, r.URL.Host, err)
	}
	took := time.Since(began)
	_, _ = io.CopyN(io.Discard, got.Body, 1<<10) // it is refused, with a few words
	got.Body.Close()
	return took, nil
}

// state looks at the servers that are watched, for as long as a look takes.
func (s *Servers) state(ctx context.Context) state {
	n := len(s.scraper.Servers())
	if n == 0 {
		return state{}
	}
	first, began := s.scraper.Sample(ctx), time.Now()
	select {
	case <-ctx.Done():
	case <-time.After(look):
	}
	now := state{samples: s.scraper.Sample(ctx), cores: make([]float64, n)}
	seconds := time.Since(began).Seconds()
	for i := range n {
		now.cores[i] = result.CPUBetween(first[i], now.samples[i]) / seconds
	}
	return now
}
