package socketio

import (
	"strings"
	"testing"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

func TestWaitsForHandlersAreSampled(t *testing.T) {
	s := newTestServer(t, Config{}, "node", new(strings.Builder))
	handled := make(chan struct{})
	s.On("ask", func(*Event) { handled <- struct{}{} })
	f := new(sink)
	c := s.accept(f)
	f.receiver = c
	c.Message([]byte("0"), false)
	const events = 4 * waitSample
	for range events {
		c.Message([]byte(`2["ask"]`), false)
		<-handled
	}
	if n := s.Stats().Waits.Total(); n != events/waitSample {
		t.Errorf("%d of %d events were timed, want one in %d", n, events, waitSample)
	}
	f.Close(engineio.ReasonTransportClose)
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestDeliveredEventsAreCountedBySize(t *testing.T) {
	s := newTestServer(t, Config{}, "node", new(strings.Builder))
	defer crowd(t, s, 3, "red")()
	for _, size := range []int{10, 100, 100_000} {
		if err := s.To("red").Emit("e", strings.Repeat("x", size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.To("red").Emit("e", []byte(strings.Repeat("x", 1000))); err != nil { // an attachment
		t.Fatal(err)
	}
	st := s.Stats()
	got := map[int64]int64{}
	for i, n := range st.DeliveredSizes.Counts {
		if n > 0 {
			got[st.DeliveredSizes.Bounds[i]] = n
		}
	}
	if len(got) != 4 || got[64] != 3 || got[256] != 3 || got[4<<10] != 3 || got[256<<10] != 3 || st.Delivered != 12 {
		t.Errorf("%v, %d in all", got, st.Delivered)
	}
}
