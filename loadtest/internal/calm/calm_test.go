package calm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// used is what a server tells of itself.
type used struct {
	connections, queue int
	cpu                float64
}

// server tells one thing after the other when it is asked for its metrics, the last of
// them time and again.
type server struct {
	*httptest.Server
	slow int // answers that take their time; set before it is asked

	mu    sync.Mutex
	tells []used // guarded by mu
}

func serve(t *testing.T, tells ...used) *server {
	s := &server{tells: tells}
	mux := http.NewServeMux()
	mux.HandleFunc("/socket.io/", func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		slow := s.slow > 0
		s.slow--
		s.mu.Unlock()
		if slow {
			time.Sleep(prompt + 50*time.Millisecond)
		}
		w.WriteHeader(http.StatusBadRequest)
	})
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		now := s.tells[0]
		if len(s.tells) > 1 {
			s.tells = s.tells[1:]
		}
		fmt.Fprintf(w, "gateway_connections %d\ngateway_queue_bytes %d\nprocess_cpu_seconds_total %v\n", now.connections, now.queue, now.cpu)
	})
	s.Server = httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// watched begins with the first two things that the server tells.
func (s *server) watched(t *testing.T) *Servers {
	t.Helper()
	w, err := Watch(t.Context(), &plan.Plan{URLs: []string{s.URL}, Path: "/socket.io/", Metrics: []string{s.URL + "/metrics"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// left is how many things the server has to tell.
func (s *server) left() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.tells)
}

func TestServersAreWaitedForUntilTheyAreAtRest(t *testing.T) {
	rest := used{connections: 7, queue: 10, cpu: 1} // of others
	for _, tt := range []struct {
		name  string
		tells []used // after what rest is
	}{
		{"at once", []used{rest, rest}},
		{"connections", []used{{8, 10, 1}, {8, 10, 1}, rest}},
		{"queues", []used{rest, {7, 11, 1}, {7, 9, 1}}},
		{"CPU", []used{rest, {7, 10, 2}, {7, 10, 3}, {7, 10, 3}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, append([]used{rest, rest}, tt.tells...)...)
			if err := s.watched(t).Wait(t.Context(), time.Minute); err != nil || s.left() != 1 {
				t.Errorf("%v, with %d things to tell", err, s.left())
			}
		})
	}
}

func TestServerThatStaysBusyIsGivenUpWithTheReason(t *testing.T) {
	s := serve(t, used{}, used{}, used{connections: 3})
	if err := s.watched(t).Wait(t.Context(), 0); err == nil || errors.Is(err, ErrNoAnswer) || !strings.Contains(err.Error(), "3 connections") {
		t.Error(err)
	}
}

func TestServerThatIsGoneIsTold(t *testing.T) {
	s := serve(t, used{})
	w := s.watched(t)
	s.Close()
	if err := w.Wait(t.Context(), 0); !errors.Is(err, ErrNoAnswer) {
		t.Error(err)
	}
}

func TestServerThatIsNotWatchedHasToAnswerPromptly(t *testing.T) {
	s := serve(t)
	s.slow = 1
	w, err := Watch(t.Context(), &plan.Plan{URLs: []string{s.URL}, Path: "/socket.io/"})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Wait(t.Context(), 0); err == nil || !strings.Contains(err.Error(), "took") {
		t.Error(err)
	}
	if err := w.Wait(t.Context(), time.Minute); err != nil {
		t.Error(err)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	s := serve(t, used{}, used{}, used{connections: 1})
	w := s.watched(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Wait(ctx, time.Minute); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
