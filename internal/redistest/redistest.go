package redistest

import (
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
)

// shared is the server of this test binary while anybody uses it.
var shared struct {
	mu sync.Mutex
	// Guarded by mu.
	server *server
	users  int
}

// server is a running Redis.
type server struct {
	address string // host:port
	stop    func() error
}

// Start returns the URL of the shared server, redis://host:port. The server is stopped
// when the last test that uses it has ended, or Main returns.
func Start(t testing.TB) (url string) {
	t.Helper()
	return "redis://" + acquire(t).address
}

func acquire(t testing.TB) *server {
	t.Helper()
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.server == nil {
		s, err := launch()
		if err != nil {
			unavailable(t, err)
		}
		shared.server = s
	}
	shared.users++
	t.Cleanup(func() {
		if err := release(); err != nil {
			t.Errorf("stop redis: %v", err)
		}
	})
	return shared.server
}

func release() error {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	if shared.users--; shared.users > 0 || shared.server == nil {
		return nil
	}
	s := shared.server
	shared.server = nil
	return s.stop()
}

// Main runs the tests of m and keeps one server for all of them. It returns the exit
// status:
//
//	func TestMain(m *testing.M) { os.Exit(redistest.Main(m)) }
func Main(m *testing.M) int {
	shared.mu.Lock()
	shared.users++
	shared.mu.Unlock()
	status := m.Run()
	if err := release(); err != nil {
		fmt.Fprintln(os.Stderr, "stop redis:", err)
		return 1
	}
	return status
}

func launch() (*server, error) {
	s, dockerErr := launchContainer()
	if dockerErr == nil {
		return s, nil
	}
	s, localErr := launchLocal()
	if localErr != nil {
		return nil, fmt.Errorf("no Docker engine (%w) and no local server (%w)", dockerErr, localErr)
	}
	return s, nil
}

// unavailable ends the test: where nothing may be skipped, as a failure.
func unavailable(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("this test needs Redis: %v", err)
	}
	t.Skipf("this test needs Redis: %v", err)
}

var prefixes atomic.Uint64

// Prefix returns a key prefix that no other test of this server has.
func Prefix(t testing.TB) string {
	t.Helper()
	return fmt.Sprintf("test%d-%d", os.Getpid(), prefixes.Add(1))
}
