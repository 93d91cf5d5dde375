package drive

import (
	"context"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/causeway-rt/causeway/loadtest/internal/fixture"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// relay is a server that answers the events that the tool sends by itself.
func relay(t *testing.T, change ...func(*socketio.Config)) (url string, io *socketio.Server) {
	t.Helper()
	var cfg socketio.Config
	for _, c := range change {
		c(&cfg)
	}
	io, err := socketio.NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ok := map[string]bool{"ok": true}
	io.On("join", func(e *socketio.Event) {
		room, _ := e.Arg(0).String()
		_ = e.Socket().Join(context.Background(), room)
		_ = e.Ack(ok)
	})
	io.On("leave", func(e *socketio.Event) {
		room, _ := e.Arg(0).String()
		_ = e.Socket().Leave(context.Background(), room)
		_ = e.Ack(ok)
	})
	io.On("publish", func(e *socketio.Event) {
		room, _ := e.Arg(0).String()
		event, _ := e.Arg(1).String()
		_ = e.Socket().To(room).Emit(event, e.Args().From(2))
		if e.WantsAck() {
			_ = e.Ack(ok)
		}
	})
	server := httptest.NewUnstartedServer(io)
	server.Listener = tight{server.Listener}
	server.Start()
	t.Cleanup(func() {
		_ = io.Close(context.Background())
		server.Close()
	})
	return server.URL, io
}

// tight is a listener whose connections hide little of a slow reader in the kernel.
type tight struct{ net.Listener }

func (l tight) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		err = c.(*net.TCPConn).SetWriteBuffer(64 << 10)
	}
	return c, err
}

// of is a plan of one group that comes in quiet, does what it does for a while, and goes.
func of(url string, g plan.Group, length time.Duration) plan.Plan {
	if len(g.Transport) == 0 {
		g.Transport = []string{"websocket"}
	}
	g.Scenario = "idle" // a plan needs one; nothing of it is used
	if g.Name == "" {
		g.Name = "group"
	}
	return plan.Plan{
		URLs: []string{url}, Groups: []plan.Group{g}, Seed: 7,
		Phases: []plan.Phase{
			{Name: "arrive", Kind: plan.Ramp, Quiet: true},
			{Name: "load", Kind: plan.Hold, Duration: length},
			{Name: "stop", Kind: plan.Stop},
		},
		Interval: 200 * time.Millisecond, ConnectTimeout: 5 * time.Second, AckTimeout: 5 * time.Second, Drain: 5 * time.Second,
		Reconnect: plan.Reconnect{Delay: 10 * time.Millisecond, Max: 50 * time.Millisecond},
	}
}

// drive runs a plan that must be possible.
func drive(t *testing.T, p plan.Plan) *result.Result {
	t.Helper()
	res, err := Run(t.Context(), p, Hooks{Log: func(s string) { t.Log(s) }})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// balanced checks what holds of every result.
func balanced(t *testing.T, r *result.Result) {
	t.Helper()
	for _, wrong := range fixture.Imbalances(r) {
		t.Error(wrong)
	}
	if c := r.Counts; c.Connected+c.ConnectErrors != c.Attempts || c.Published != r.Audit.Published {
		t.Errorf("%+v, %+v", c, r.Audit)
	}
}

// spotless checks that the audit found nothing wrong.
func spotless(t *testing.T, r *result.Result) {
	t.Helper()
	balanced(t, r)
	a := r.Audit
	if a.Lost+a.Duplicated+a.Reordered+a.Corrupted+a.AfterLeaving+a.Unknown != 0 {
		t.Errorf("a correct server has faults: %+v; errors: %+v", a, r.Errors)
	}
	if a.Delivered == 0 {
		t.Errorf("nothing was delivered: %+v, %+v, %+v", a, r.Counts, r.Errors)
	}
}
