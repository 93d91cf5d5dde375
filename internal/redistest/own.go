package redistest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"syscall"
	"testing"

	goredis "github.com/redis/go-redis/v9"
)

// Own is a server that only one test uses: a redis-server process that can be killed,
// stopped and configured. Its address stays the same.
type Own struct {
	t       testing.TB
	path    string
	address string
	args    []string

	// cmd is nil while there is no process.
	cmd    *exec.Cmd
	exited chan error
	output bytes.Buffer
}

// StartOwn runs a server until the test ends. args are options of redis-server.
func StartOwn(t testing.TB, args ...string) *Own {
	t.Helper()
	port := somePort(t)
	return startOwn(t, port, append([]string{
		"--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir(),
	}, args...)...)
}

// startOwn runs a server that listens on port.
func startOwn(t testing.TB, port string, args ...string) *Own {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		unavailable(t, err)
	}
	o := &Own{t: t, path: path, address: net.JoinHostPort("127.0.0.1", port), args: args}
	t.Cleanup(o.Kill)
	o.Restart()
	return o
}

// URL returns where to connect: redis://host:port.
func (o *Own) URL() string { return "redis://" + o.address }

// Address returns host:port.
func (o *Own) Address() string { return o.address }

// Client returns a connection to it, for commands.
func (o *Own) Client() *goredis.Client {
	c := goredis.NewClient(&goredis.Options{Addr: o.address})
	o.t.Cleanup(func() { _ = c.Close() })
	return c
}

// Restart starts the process, and returns when it answers.
func (o *Own) Restart() {
	o.t.Helper()
	if o.cmd != nil {
		return
	}
	o.cmd = exec.Command(o.path, o.args...)
	o.cmd.Stdout, o.cmd.Stderr = &o.output, &o.output
	if err := o.cmd.Start(); err != nil {
		o.t.Fatalf("start redis-server: %v", err)
	}
	exited := make(chan error, 1)
	o.exited = exited
	go func(cmd *exec.Cmd) { exited <- cmd.Wait() }(o.cmd)
	if err := (&server{address: o.address}).waitForAnswer(exited); err != nil {
		o.Kill()
		o.t.Fatalf("%v: %s", err, o.output.String())
	}
}

// Kill ends the process with SIGKILL and waits for that.
func (o *Own) Kill() {
	if o.cmd == nil {
		return
	}
	_ = o.cmd.Process.Kill() // it may have exited
	<-o.exited
	o.cmd = nil
}

// Freeze stops the process with SIGSTOP: it keeps its connections and answers nothing.
func (o *Own) Freeze() { o.signal(syscall.SIGSTOP) }

// Thaw lets it go on.
func (o *Own) Thaw() { o.signal(syscall.SIGCONT) }

func (o *Own) signal(s os.Signal) {
	o.t.Helper()
	if err := o.cmd.Process.Signal(s); err != nil {
		o.t.Fatal(fmt.Errorf("signal redis-server: %w", err))
	}
}
