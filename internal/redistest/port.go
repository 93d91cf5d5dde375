package redistest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
)

// Servers listen on ports from firstPort up to lastPort: below those that Linux gives to
// outgoing connections, of which one may take the port of a server that is down for a
// moment, and above those that the other tests choose from.
const (
	firstPort = 30000
	lastPort  = 32767
)

// freePort returns a port that nobody listens on, and that no other process gets from here
// while this one lives.
func freePort() (int, error) {
	dir := filepath.Join(os.TempDir(), "causeway-redistest-ports-"+strconv.Itoa(os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return 0, err
	}
	var last error
	for range 200 {
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		if last = reserve(dir, port); last == nil {
			return port, nil
		}
	}
	return 0, fmt.Errorf("none of 200 ports is free: %w", last)
}

// reserve locks the port's file, which the kernel unlocks when this process ends.
func reserve(dir string, port int) error {
	fd, err := syscall.Open(filepath.Join(dir, strconv.Itoa(port)), syscall.O_CREAT|syscall.O_RDWR|syscall.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(fd, syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return errors.Join(err, syscall.Close(fd))
	}
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return errors.Join(err, syscall.Close(fd))
	}
	return l.Close() // the descriptor stays open, and so the lock
}

func somePort(t testing.TB) string {
	t.Helper()
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(port)
}
