package redis

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// recordLoad is events that each of some nodes records, with a note of those that were accepted.
type recordLoad struct {
	t     testing.TB
	nodes []*historian
	stop  chan struct{}
	ended sync.WaitGroup

	mu sync.Mutex
	// Guarded by mu.
	accepted map[string]bool // data
	refused  int
	open     int // not known yet
}

// recordInterval is the time between the events of one node.
const recordInterval = 2 * time.Millisecond

// startRecords lets the nodes record, to everybody, to a room and to two rooms in turn.
func startRecords(t testing.TB, nodes ...*historian) *recordLoad {
	l := &recordLoad{t: t, nodes: nodes, stop: make(chan struct{}), accepted: map[string]bool{}}
	for i, h := range nodes {
		l.ended.Go(func() { l.publish(i, h) })
	}
	t.Cleanup(sync.OnceFunc(func() { l.end() }))
	return l
}

func (l *recordLoad) end() {
	select {
	case <-l.stop:
	default:
		close(l.stop)
	}
	l.ended.Wait()
}

func (l *recordLoad) publish(i int, h *historian) {
	rooms := [][]string{nil, {"room"}, {"room", "another"}}
	tick := time.NewTicker(recordInterval)
	defer tick.Stop()
	for k := 0; ; k++ {
		select {
		case <-tick.C:
		case <-l.stop:
			return
		}
		b := event("/", fmt.Sprintf(`["e",%d,%d]`, i, k), rooms[k%3]...)
		var told atomic.Bool
		b.Confirm = func(err error) {
			if told.Swap(true) {
				l.t.Error("confirmed twice")
			}
			l.note(string(b.Data), err)
		}
		l.mu.Lock()
		l.open++
		l.mu.Unlock()
		if err := h.Record(b); err != nil {
			l.note("", err)
		}
	}
}

func (l *recordLoad) note(data string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	if err == nil {
		l.accepted[data] = true
	} else {
		l.refused++
	}
}

func (l *recordLoad) acceptedSoFar() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.accepted)
}

// more waits until n more events have been accepted.
func (l *recordLoad) more(n int) {
	l.t.Helper()
	before := l.acceptedSoFar()
	for deadline := time.Now().Add(3 * waitLimit); l.acceptedSoFar() < before+n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			l.t.Fatalf("%d accepted, %d refused", l.acceptedSoFar()-before, l.refused)
		}
	}
}

// finish ends the load and looks at what the nodes were given: each event once, all in one order,
// and everything that was accepted, but by the nodes that were told of a loss.
func (l *recordLoad) finish() (told int) {
	l.t.Helper()
	l.end()
	eventually(l.t, "everything is accepted or not", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.open == 0
	})
	for _, h := range l.nodes {
		eventually(l.t, "well again", h.bus.Healthy)
		h.flush()
	}
	for _, h := range l.nodes {
		missing := l.missing(h)
		if losses := h.node.losses(); len(losses) > 0 {
			told++
			continue
		}
		if missing > 0 {
			l.t.Errorf("%s misses %d of %d without a word: %+v", h.node.tag, missing, len(l.accepted), h.bus.Stats())
		}
	}
	l.t.Logf("%d accepted, %d refused or not known, %d nodes told of a loss", len(l.accepted), l.refused, told)
	return told
}

// flush waits until a node has been given what there is.
func (h *historian) flush() {
	h.t.Helper()
	want := `["flush","` + h.node.tag + `"]`
	h.mustRecord(event("/", want))
	eventually(h.t, h.node.tag+" hears itself", func() bool {
		all := h.node.events()
		for i := len(all) - 1; i >= 0 && i > len(all)-10; i-- {
			if string(all[i].b.Data) == want {
				return true
			}
		}
		return false
	})
}

// missing looks at the order of what a node was given, and counts what is missing.
func (l *recordLoad) missing(h *historian) int {
	l.t.Helper()
	seen := map[string]bool{}
	last := socketio.Offset{}
	for _, r := range h.node.events() {
		data := string(r.b.Data)
		if seen[data] {
			l.t.Errorf("%s got %s twice", h.node.tag, data)
		}
		if len(h.node.losses()) == 0 && !r.at.After(last) {
			l.t.Errorf("%s got %v behind %v", h.node.tag, r.at, last)
		}
		seen[data], last = true, r.at
	}
	missing := 0
	for data := range l.accepted {
		if !seen[data] {
			missing++
		}
	}
	return missing
}
