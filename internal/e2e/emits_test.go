package e2e

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// emit is one that a node was asked for.
type emit struct {
	sent, answered time.Time
	unsure         bool // the connection broke before the answer: it may have been made
}

// stream is what a backend has one node emit at a pace, one after the other. While the
// node is away, it waits.
type stream struct {
	number int // of the stream
	node   *server
	room   string

	emits []emit // Owned by run; the test reads it once that has ended.
	err   error  // likewise: what no emit may end with
}

// lastEmits is how many a stream makes after it was told to end: everybody who is there
// then must hear them.
const lastEmits = 2

// startStreams starts one for each node. stop ends them, and may be called again.
func startStreams(t *testing.T, nodes []*server, room string, pause time.Duration) (streams []*stream, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for i, n := range nodes {
		s := &stream{number: i, node: n, room: room}
		streams = append(streams, s)
		running.Go(func() { s.run(ctx, pause) })
	}
	stop = func() {
		cancel()
		running.Wait()
	}
	t.Cleanup(stop)
	return streams, stop
}

func (s *stream) run(ctx context.Context, pause time.Duration) {
	pace := time.NewTicker(pause)
	defer pace.Stop()
	for ended := 0; ended < lastEmits; {
		<-pace.C
		if ctx.Err() != nil {
			ended++
		}
		e := emit{sent: time.Now()}
		err := s.post(len(s.emits), e.sent)
		e.answered = time.Now()
		switch {
		case errors.Is(err, syscall.ECONNREFUSED): // the node is away
			continue
		case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET): // it went in this moment
			e.unsure = true
		case err != nil:
			s.err = errors.Join(s.err, err)
		}
		s.emits = append(s.emits, e)
	}
}

var backend = http.Client{Timeout: 10 * time.Second}

// post asks for the emit of a number, which carries the time.
func (s *stream) post(number int, at time.Time) error {
	body := fmt.Sprintf(`{"target":{"rooms":[%q]},"event":"news","args":[%d,%d,%d]}`, s.room, s.number, number, at.UnixMilli())
	r, err := http.NewRequest(http.MethodPost, "http://"+s.node.internal+"/api/v1/emit", strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Close = true
	r.Header.Set("Authorization", "Bearer "+apiKey)
	r.Header.Set("Content-Type", "application/json")
	resp, err := backend.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && (resp.StatusCode != http.StatusOK || !strings.Contains(string(answer), `"cluster"`)) {
		err = fmt.Errorf("emit %d of node %d: %s %s", number, s.number, resp.Status, answer)
	}
	return err
}

// withAPIKey are the flags of a gateway that takes apiKey for everything.
func withAPIKey(t *testing.T) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "gateway.yaml")
	yaml := "api:\n  keys:\n    - name: test\n      key: " + apiKey + "\n      scopes: [emit, manage, read, drain]\n"
	if err := os.WriteFile(file, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"--config", file}
}
