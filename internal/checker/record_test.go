package checker

import (
	"sync"
	"testing"
)

func TestRecorderWritesWhatIsReported(t *testing.T) {
	r := NewRecorder(2)
	r.Connected(0, "a", false)
	joined := r.Joining(0, "r")
	joined(true)
	r.Joining(0, "q")(false)
	first, answered := r.Publishing(0, "r")
	r.Disconnected(0, "cut")
	r.Connected(0, "a", true)
	answered(Acknowledged)
	second, _ := r.Publishing(0, "r")
	r.Leaving(0, "r")(true)
	r.Leaving(0, "q")(false)
	r.Disconnected(0, "cut")
	r.Connected(0, "b", false)
	third, refused := r.Publishing(0, "r")
	refused(Refused)
	r.Received(0, ID{1, 7}, Offset{1, 2}, false)

	h := r.History()
	c := h.Clients[0]
	if len(c.Sessions) != 2 || !c.Back || h.Clients[1].Back || len(c.Sessions[0].Connections) != 2 {
		t.Fatalf("%+v", h.Clients)
	}
	conns := c.Sessions[0].Connections
	if conns[0].Cause != "cut" || conns[0].Closed < conns[0].Opened || conns[1].Opened < conns[0].Closed || c.Sessions[1].Connections[0].Closed != 0 {
		t.Errorf("%+v", conns)
	}
	in := c.Sessions[0].Memberships
	if len(in) != 2 || in[0].Room != "r" || in[0].Joined < in[0].JoinRequested || in[0].Left < in[0].LeaveRequested || in[0].Left == 0 ||
		in[1].Joined != 0 || in[1].LeaveRequested == 0 || in[1].Left != 0 {
		t.Errorf("%+v", in)
	}
	m := h.Messages
	if len(m) != 3 || m[0].ID != first || m[1].ID != second || m[2].ID != third || third != (ID{0, 3}) {
		t.Fatalf("%+v", m)
	}
	if m[0].Outcome != Acknowledged || m[0].Connection != 0 || m[1].Outcome != Unknown || m[1].Connection != 1 || m[2].Outcome != Refused || m[2].Session != 1 {
		t.Errorf("%+v", m)
	}
	if got := c.Sessions[1].Received; len(got) != 1 || got[0].ID != (ID{1, 7}) || got[0].Offset != (Offset{1, 2}) || got[0].At == 0 {
		t.Errorf("%+v", got)
	}
}

func TestRecorderIsForManyGoroutines(t *testing.T) {
	r := NewRecorder(1)
	r.Connected(0, "a", false)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 100 {
				_, answered := r.Publishing(0, "r")
				r.Received(0, ID{0, 1}, Offset{}, false)
				answered(Acknowledged)
			}
		})
	}
	all.Wait()
	h := r.History()
	if len(h.Messages) != 400 || len(h.Clients[0].Sessions[0].Received) != 400 {
		t.Errorf("%d messages, %d receipts", len(h.Messages), len(h.Clients[0].Sessions[0].Received))
	}
	for i, m := range h.Messages {
		if m.ID.Number != i+1 || m.Outcome != Acknowledged {
			t.Fatalf("message %d is %+v", i, m)
		}
	}
}
