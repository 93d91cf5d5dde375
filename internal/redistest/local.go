package redistest

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"time"
)

// launchTimeout bounds how long a server may take to answer.
const launchTimeout = 20 * time.Second

// launchLocal runs redis-server on a free port, keeping nothing on disk.
func launchLocal() (*server, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "redistest")
	if err != nil {
		return nil, err
	}
	var output bytes.Buffer
	cmd := exec.Command(path, "--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir)
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	exited := make(chan error, 1)
	go func() { exited <- cmd.Wait() }()
	s := &server{
		address: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)),
		stop: func() error {
			killErr := cmd.Process.Kill()
			if errors.Is(killErr, os.ErrProcessDone) {
				killErr = nil
			}
			<-exited
			return errors.Join(killErr, os.RemoveAll(dir))
		},
	}
	if err := s.waitForAnswer(exited); err != nil {
		return nil, errors.Join(err, s.stop(), fmt.Errorf("its output: %s", output.String()))
	}
	return s, nil
}

// waitForAnswer asks until the server answers, has exited, or takes too long.
func (s *server) waitForAnswer(exited chan error) error {
	deadline := time.After(launchTimeout)
	for {
		if ping(s.address) == nil {
			return nil
		}
		select {
		case err := <-exited:
			exited <- err // for stop
			return fmt.Errorf("redis-server exited: %w", err)
		case <-deadline:
			return fmt.Errorf("redis-server did not answer within %v", launchTimeout)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func ping(address string) error {
	c, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	answer := make([]byte, 7)
	if _, err := c.Read(answer); err != nil {
		return err
	}
	if string(answer) != "+PONG\r\n" {
		return fmt.Errorf("answered %q", answer)
	}
	return nil
}
