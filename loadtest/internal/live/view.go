package live

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/show"
)

const (
	// maxLines is how many lines wait for an output that takes none. Those after it are
	// left out, and counted.
	maxLines = 1024
	// patience is how long Close waits for an output that takes nothing.
	patience = 2 * time.Second
)

// View is what is seen of a run. Its methods may be called from any goroutine and do
// not wait for the output, but for Close.
type View struct {
	// Immutable.
	out  *screen // nil: not a terminal
	to   io.Writer
	wake chan struct{} // of one: there is something to write
	stop chan struct{}
	done chan struct{} // the goroutine has ended
	once sync.Once

	mu sync.Mutex
	// Guarded by mu.
	run     *run
	lines   []string // not yet written; without a terminal
	omitted int      // lines that found no room
	erased  bool     // the frame is to be gone in the end
}

// New begins a view of a run of p on out: a frame if it is a terminal that can move its
// cursor, lines if not. Colours are left out if NO_COLOR is set. Close must be called.
func New(out *os.File, p plan.Plan) *View {
	if !capable(out, os.Getenv) {
		return start(out, nil, p)
	}
	return start(out, newScreen(out, os.Getenv), p)
}

// Lines begins a view of lines, whatever out is.
func Lines(out io.Writer, p plan.Plan) *View { return start(out, nil, p) }

func start(to io.Writer, out *screen, p plan.Plan) *View {
	v := &View{out: out, to: to, wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}), run: newRun(p)}
	go v.write()
	if out != nil {
		v.signal()
	}
	return v
}

// Interval shows one interval of the run. It keeps nothing of iv.
func (v *View) Interval(iv result.Interval) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.run.add(&iv)
	if v.out == nil {
		v.line(intervalLine(v.run, &iv))
	}
	v.signal()
}

// Say shows what happens: on a terminal the latest below the figures, else as a line.
func (v *View) Say(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.run.news = show.Plain(text, 500)
	if v.out == nil {
		v.line(v.run.news)
	}
	v.signal()
}

// line needs mu.
func (v *View) line(s string) {
	if len(v.lines) == maxLines {
		v.omitted++
		return
	}
	v.lines = append(v.lines, s)
}

func (v *View) signal() {
	select {
	case v.wake <- struct{}{}:
	default: // the goroutine will see this change too
	}
}

// Close shows what is not yet shown and ends the view, whose last frame stays. It waits
// for at most 2 s. Nothing that is told after it is shown. It may be called twice.
func (v *View) Close() {
	v.once.Do(func() { close(v.stop) })
	select {
	case <-v.done:
	case <-time.After(patience): // nobody reads; the goroutine ends with the program
	}
}

// Erase is Close, but takes the frame away. Lines stay.
func (v *View) Erase() {
	v.mu.Lock()
	v.erased = true
	v.mu.Unlock()
	v.Close()
}

// write is the goroutine that writes.
func (v *View) write() {
	defer close(v.done)
	for {
		select {
		case <-v.wake:
			v.flush()
		case <-v.stop:
			v.flush()
			return
		}
	}
}

// flush writes what there is. An output that is gone is none of the run's business.
func (v *View) flush() {
	if v.out != nil {
		width, height := v.out.size()
		v.mu.Lock()
		frame := compose(v.run, v.out.style, width, height)
		if v.erased {
			frame = nil
		}
		v.mu.Unlock()
		v.out.draw(frame, width)
		return
	}
	v.mu.Lock()
	lines, omitted := v.lines, v.omitted
	v.lines, v.omitted = nil, 0
	v.mu.Unlock()
	for _, s := range lines {
		fmt.Fprintln(v.to, s)
	}
	if omitted > 0 {
		fmt.Fprintf(v.to, "(%d lines were left out: they were not read in time)\n", omitted)
	}
}
