package peer

import (
	"io"
	"testing"
	"time"
)

// hold begins a poll through n, and returns when n has passed it on.
func (n *node) hold(sid string) <-chan answer {
	n.t.Helper()
	held, before := make(chan answer, 1), n.forward.pending()
	go func() { held <- n.get(sid) }()
	until(n.t, "the poll to be held", func() bool { return n.forward.pending() == before+1 })
	return held
}

// goesOn checks that a session of n is as well as ever.
func (n *node) goesOn(sid string) {
	n.t.Helper()
	if got := n.post(sid, "4x"); got.status != 200 {
		n.t.Errorf("POST: %+v", got)
	}
	if got := n.get(sid); got.status != 200 || got.body != "4x" {
		n.t.Errorf("GET: %+v", got)
	}
}

func TestDrainLetsGoOfOthersSessions(t *testing.T) {
	store := &Memory{}
	a, b := startNode(t, store, nodeConfig{}), startNode(t, store, nodeConfig{})
	tunnelled, polling := a.handshake(), a.handshake()
	_, br, resp := b.upgrade(tunnelled, frame("2probe"))
	if resp.StatusCode != 101 {
		t.Fatalf("%s", resp.Status)
	}
	expect(t, br, "\x81\x063probe")
	held := b.hold(polling)
	drained := make(chan error, 1)
	go func() { drained <- b.forward.Drain(t.Context(), 10*time.Millisecond) }()
	if rest, _ := io.ReadAll(br); len(rest) > 0 {
		t.Errorf("the tunnel brought %q", rest)
	}
	// A noop: the client asks again, on another connection.
	if got := receive(t, "the poll's answer", held); got.status != 200 || got.body != "6" {
		t.Errorf("%+v", got)
	}
	if err := receive(t, "the drain's end", drained); err != nil {
		t.Error(err)
	}
	a.goesOn(polling)
}

// A balancer may send some more while the drain goes on.
func TestDrainLetsGoOfPollsThatComeLate(t *testing.T) {
	store := &Memory{}
	a, b := startNode(t, store, nodeConfig{}), startNode(t, store, nodeConfig{})
	first, late := a.handshake(), a.handshake()
	held := b.hold(first)
	drained := make(chan error, 1)
	go func() { drained <- b.forward.Drain(t.Context(), time.Second) }()
	until(t, "the drain to begin", b.forward.draining.Load)
	heldLate := b.hold(late)
	for _, c := range []<-chan answer{held, heldLate} {
		if got := receive(t, "a poll's answer", c); got.status != 200 || got.body != "6" {
			t.Errorf("%+v", got)
		}
	}
	if err := receive(t, "the drain's end", drained); err != nil {
		t.Error(err)
	}
	a.goesOn(first)
	a.goesOn(late)
}

// What is said to a client goes before the noop, and nothing of it is lost.
func TestReleasedPollIsAnsweredOnce(t *testing.T) {
	store := &Memory{}
	a, b := startNode(t, store, nodeConfig{}), startNode(t, store, nodeConfig{})
	sid := a.handshake()
	held := b.hold(sid)
	if got := a.post(sid, "4x"); got.status != 200 {
		t.Fatalf("%+v", got)
	}
	if err := b.forward.Drain(t.Context(), 0); err != nil {
		t.Error(err)
	}
	if got := receive(t, "the poll's answer", held); got.status != 200 || got.body != "4x" {
		t.Errorf("%+v", got)
	}
	a.goesOn(sid)
}
