package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"
)

// attack is what one row of hostile input works with: a server that another
// client uses meanwhile, and must not notice.
type attack struct {
	*testing.T
	server *server
	// bystander is in the room "bystander" and hears what is published there.
	bystander *wsClient
}

// hostileRow is one input, named after its row in the list of hostile inputs
// where it has one, and the answer to it.
type hostileRow struct {
	name string
	run  func(*attack)
}

// longestStall is how long another client's echo may take while a row runs. An
// event loop that works off an input of the largest size under the race
// detector takes a part of it; one that hangs takes all.
const longestStall = 2 * time.Second

// Each hostile input gets its answer; afterwards the process lives, another
// client's echo was never held up, and nothing is left behind.
func TestHostileInputHurtsOnlyItsSender(t *testing.T) {
	programs := map[string]func(*testing.T, ...string) *server{"gateway": startGateway, "server": startServer}
	groups := map[string][]hostileRow{
		"handshake": handshakeRows(),
		"polling":   pollingRows(),
		"frames":    frameRows(),
		"engine":    engineRows(),
		"packets":   packetRows(),
		"json":      jsonRows(),
	}
	for name, start := range programs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, quick...)
			for name, rows := range groups {
				t.Run(name, func(t *testing.T) { runHostile(t, s, rows) })
			}
			if name == "server" {
				t.Run("handlers", func(t *testing.T) { runHostile(t, s, serverRows()) })
			}
			expectCleanLog(t, s)
		})
	}
}

func runHostile(t *testing.T, s *server, rows []hostileRow) {
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			bystander := joinedWS(t, s.public)
			bystander.join("bystander")
			watch := startEcho(t, s)
			baseline := s.gauges()
			t.Run("input", func(t *testing.T) {
				row.run(&attack{T: t, server: s, bystander: bystander})
			})
			if !s.running() {
				t.Fatalf("the process ended: %v", s.cmd.ProcessState)
			}
			bystander.expectAlive()
			watch.stop()
			if watch.longest > longestStall {
				t.Errorf("another client's echo took %v", watch.longest)
			}
			s.expectGauges(t, baseline, 5*time.Second)
		})
	}
}

// Client text must not reach a terminal raw.
func expectCleanLog(t *testing.T, s *server) {
	t.Helper()
	for line := range strings.SplitSeq(s.log.String(), "\n") {
		if i := strings.IndexFunc(line, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }); i >= 0 {
			t.Errorf("control character in the log: %q", line)
		}
	}
}

// echoWatch asks without pause and keeps the longest time an answer took.
type echoWatch struct {
	client  *wsClient
	longest time.Duration // valid after stop
	quit    chan struct{}
	done    chan struct{}
}

func startEcho(t *testing.T, s *server) *echoWatch {
	w := &echoWatch{client: joinedWS(t, s.public), quit: make(chan struct{}), done: make(chan struct{})}
	go w.run(t)
	t.Cleanup(w.stop)
	return w
}

func (w *echoWatch) stop() {
	select {
	case <-w.quit:
	default:
		close(w.quit)
	}
	<-w.done
}

func (w *echoWatch) run(t *testing.T) {
	defer close(w.done)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for i := 0; ; i++ {
		select {
		case <-w.quit:
			return
		case <-tick.C:
		}
		begin := time.Now()
		w.client.send(fmt.Sprintf(`42%d["leave","nowhere"]`, i))
		if !w.wait(fmt.Sprintf("43%d[", i)) {
			t.Errorf("another client's echo never came (closed with %d)", w.client.code)
			return
		}
		w.longest = max(w.longest, time.Since(begin))
	}
}

func (w *echoWatch) wait(prefix string) bool {
	limit := time.After(patience)
	for {
		select {
		case p, open := <-w.client.packets:
			if !open {
				return false
			}
			if strings.HasPrefix(p.data, prefix) {
				return true
			}
		case <-limit:
			return false
		}
	}
}

// counted checks that the server counts what f makes it refuse or close.
func (a *attack) counted(f func()) {
	a.Helper()
	before := a.server.refusals()
	f()
	eventually(a.T, patience, "a counter to move", func() error {
		if a.server.refusals() <= before {
			return fmt.Errorf("refusals and closes stay at %v", before)
		}
		return nil
	})
}

// refusals counts all that was refused or closed, whatever the reason.
func (s *server) refusals() float64 {
	m := s.metrics()
	return m.sum("gateway_rejected_total") + m.sum("gateway_clients_refused_total") + m.sum("gateway_connections_closed_total")
}

// closes sends packets over each transport to a connected client, and expects
// that its connection ends, and is counted.
func (a *attack) closes(packets ...string) {
	a.Helper()
	a.counted(func() {
		ws := joinedWS(a, a.server.public)
		ws.send(packets...)
		ws.expectClose(noCode, dropped)
	})
	poll := joinedPoll(a, a.server.public)
	// The answer is "ok" when the error is one of Socket.IO, 400 or a reset when
	// it is one of Engine.IO.
	if got, err := poll.post(strings.Join(packets, "\x1e")); err == nil && got.status != 200 && got.status != 400 {
		a.Fatalf("POST: %v", got)
	}
	poll.expectGone()
}

// ignores sends packets over each transport, and expects that the client stays.
func (a *attack) ignores(packets ...string) {
	a.Helper()
	ws := joinedWS(a, a.server.public)
	ws.send(packets...)
	ws.expectAlive()
	poll := joinedPoll(a, a.server.public)
	poll.expectPost(strings.Join(packets, "\x1e"))
	poll.expectAlive()
}

// hears checks that the next thing published to the bystander is want: nothing
// else of this row has reached it.
func (a *attack) hears(want ...string) {
	a.Helper()
	for _, w := range want {
		a.bystander.expect(w)
	}
	ws := joinedWS(a, a.server.public)
	ws.send(`42["publish","bystander","nothing else"]`)
	a.bystander.expect(`42["nothing else"]`)
}

// each makes a row of every input, all with the same answer.
func each(name string, run func(*attack, string), inputs ...string) []hostileRow {
	rows := make([]hostileRow, len(inputs))
	for i, input := range inputs {
		label := fmt.Sprintf("%.40q", input)
		rows[i] = hostileRow{name + " " + label[1:len(label)-1], func(a *attack) { run(a, input) }}
	}
	return rows
}

// one makes a slice of one row, for lists that are joined.
func one(name string, run func(*attack)) []hostileRow { return []hostileRow{{name, run}} }

// closesOnEither is the answer to packets that no client may send.
func closesOnEither(a *attack, input string) { a.closes(input) }

// ignoredOnEither is the answer to packets that mean nothing.
func ignoredOnEither(a *attack, input string) { a.ignores(input) }
