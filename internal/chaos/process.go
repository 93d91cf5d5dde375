package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// process is a program that is started again and again, with one log for all its lives. Its
// methods are called by one goroutine at a time.
type process struct {
	path    string
	args    []string
	env     []string // besides the one of this process
	logPath string
	ready   func() error // nil once it serves
	// ended is told that the process has ended though nobody wanted it to.
	ended func(error)

	cmd *exec.Cmd
	log *os.File
	// exited is closed when cmd has been waited for.
	exited chan struct{}

	mu sync.Mutex
	// Guarded by mu.
	wanted bool // to run
}

const (
	startTimeout = 30 * time.Second
	stopTimeout  = 60 * time.Second
)

// start starts the process and waits until it serves.
func (p *process) start() error {
	var err error
	if p.log, err = os.OpenFile(p.logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	p.cmd = exec.Command(p.path, p.args...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.Env = append(os.Environ(), p.env...)
	if err := p.cmd.Start(); err != nil {
		return errors.Join(err, p.log.Close())
	}
	p.want(true)
	p.exited = make(chan struct{})
	go func(cmd *exec.Cmd, log *os.File, exited chan struct{}) {
		err := cmd.Wait()
		_ = log.Close()
		close(exited)
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.wanted {
			p.ended(err)
		}
	}(p.cmd, p.log, p.exited)
	return p.await()
}

func (p *process) want(running bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wanted = running
}

func (p *process) await() error {
	for limit := time.After(startTimeout); ; {
		err := p.ready()
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s ended at its start: %s", p.path, p.cmd.ProcessState)
		case <-limit:
			return fmt.Errorf("%s does not serve after %v: %w", p.path, startTimeout, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// end ends the process with a signal and waits for that; with SIGKILL if it takes too long,
// which is an error.
func (p *process) end(s syscall.Signal) error {
	if p.cmd == nil {
		return nil
	}
	p.want(false)
	_ = p.cmd.Process.Signal(s) // it may have ended
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
	select {
	case <-p.exited:
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Kill()
		<-p.exited
		return fmt.Errorf("%s did not end within %v of %v", p.path, stopTimeout, s)
	}
	if s == syscall.SIGTERM && !p.cmd.ProcessState.Success() {
		return fmt.Errorf("%s ended with %s", p.path, p.cmd.ProcessState)
	}
	return nil
}

func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// freeAddress returns a loopback address that nobody listens on. It is outside of the range from
// which the kernel gives ports to connecting clients, so that none of them takes it
// while a process restarts.
func freeAddress() (string, error) {
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(15000))
		if l, err := net.Listen("tcp", address); err == nil {
			_ = l.Close()
			return address, nil
		}
	}
	return "", errors.New("no free port among 100")
}
