// Termpicture runs a command on a terminal of its own and leaves a picture of what is
// seen, for the documentation. A picture that is taken before the command ends does not
// end it:
//
//	go run ./internal/termpicture -o docs/loadtest-terminal.svg -at 20s -- go run ./loadtest run …
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/creack/pty"

	"github.com/causeway-rt/causeway/internal/terminal"
)

func main() {
	file := flag.String("o", "terminal.svg", "the picture")
	at := flag.Duration("at", 0, "when the picture is taken; 0 is at the command's end")
	width := flag.Int("width", 100, "columns")
	height := flag.Int("height", 40, "rows")
	title := flag.String("title", "terminal", "for those who do not see the picture")
	flag.Parse()
	if err := run(*file, *title, *at, *width, *height, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "termpicture:", err)
		os.Exit(1)
	}
}

func run(file, title string, at time.Duration, width, height int, args []string) error {
	if len(args) == 0 {
		return errors.New("no command was given")
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "TERM=xterm-256color", "LC_ALL=C.UTF-8", "NO_COLOR=")
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(width), Rows: uint16(height)}) //nolint:gosec // a terminal's size
	if err != nil {
		return fmt.Errorf("start the command: %w", err)
	}
	defer tty.Close()
	var mu sync.Mutex
	screen := terminal.New(width, height) // guarded by mu
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(locked{&mu, screen}, tty) // ends with an error of the terminal when the command does
	}()
	var timer <-chan time.Time
	if at > 0 {
		timer = time.After(at)
	}
	var picture strings.Builder
	select {
	case <-timer:
		mu.Lock()
		err = screen.SVG(&picture, title)
		mu.Unlock()
		<-ended
	case <-ended:
		err = screen.SVG(&picture, title)
	}
	if err != nil {
		return err
	}
	_ = cmd.Wait() // a test that failed has a picture too
	return os.WriteFile(file, []byte(picture.String()), 0o644)
}

// locked is a writer that takes turns.
type locked struct {
	mu *sync.Mutex
	w  io.Writer
}

func (l locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}
