package drive

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

func TestFanoutByRateDeliversEveryMessage(t *testing.T) {
	t.Parallel()
	url, _ := relay(t)
	r := drive(t, of(url, plan.Group{Clients: 20, Rooms: 1, RoomsEach: 1, Publishers: 1, Rate: 100, Payload: plan.Size(128)}, time.Second))
	spotless(t, r)
	if r.Audit.Published != 100 || r.Audit.Due != 2000 || r.Audit.Delivered != 2000 || r.Counts.Unsent != 0 {
		t.Errorf("%+v, %+v", r.Audit, r.Counts)
	}
	if n := r.Latency.Delivery.Count(); n != 2000 {
		t.Errorf("%d latencies, not 2000", n)
	}
	if c := r.Counts; c.Attempts != 21 || c.Connected != 21 || c.Joins != 20 || c.Disconnects != 0 || c.BytesIn < 2000*128 || c.BytesOut < 100*128 {
		t.Errorf("%+v", c)
	}
}

// A server that uses a core all the time used, in each phase, as much as the phase lasted:
// also where phases end in the middle of intervals.
func TestWhatServersUseIsDividedAtTheEndsOfPhases(t *testing.T) {
	t.Parallel()
	url, _ := relay(t)
	born := time.Now()
	metrics := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "process_cpu_seconds_total %f\n", time.Since(born).Seconds())
	}))
	t.Cleanup(metrics.Close)
	p := of(url, plan.Group{Clients: 5}, 0)
	p.Metrics, p.Interval = []string{metrics.URL}, time.Second
	p.Phases = []plan.Phase{
		{Name: "arrive", Kind: plan.Ramp, Duration: 330 * time.Millisecond},
		{Name: "load", Kind: plan.Hold, Duration: 440 * time.Millisecond},
		{Name: "more", Kind: plan.Hold, Duration: 550 * time.Millisecond},
		{Name: "stop", Kind: plan.Stop},
	}
	r := drive(t, p)
	const slack = .1 // a sample takes its time on a busy machine
	for _, ph := range r.Phases[:3] {
		if used, lasted := ph.Servers[0].CPUSeconds, ph.To-ph.From; math.Abs(used-lasted) > slack {
			t.Errorf("%s lasted %.3f s; used %.3f s", ph.Name, lasted, used)
		}
	}
}

func TestFanoutByWindowSendsSoManyMessagesAndEnds(t *testing.T) {
	for name, g := range map[string]plan.Group{
		"publisher":  {Clients: 20, Rooms: 2, RoomsEach: 1, Publishers: 2, Window: 4, Messages: 300},
		"members":    {Clients: 20, Rooms: 2, RoomsEach: 1, Window: 4, Messages: 300},
		"attachment": {Clients: 20, Rooms: 2, RoomsEach: 1, Publishers: 1, Window: 4, Messages: 300, Binary: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, _ := relay(t)
			p := of(url, g, time.Minute)
			start := time.Now()
			r := drive(t, p)
			spotless(t, r)
			each := int64(10) // of two rooms
			if g.Publishers == 0 {
				each-- // whoever says it does not hear it
			}
			if r.Audit.Published != 300 || r.Audit.Delivered != 300*each {
				t.Errorf("%+v", r.Audit)
			}
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
		})
	}
}

func TestChatOverAllTransportsIsAuditedExactly(t *testing.T) {
	t.Parallel()
	url, _ := relay(t)
	r := drive(t, of(url, plan.Group{
		Clients: 30, Rooms: 3, RoomsEach: 2, Rate: 200, Payload: plan.Size(300), AckPublish: true,
		Transport: []string{"websocket", "upgrade", "polling"},
	}, time.Second))
	spotless(t, r)
	if r.Audit.Delivered != r.Audit.Due || r.Audit.Published != 200 || r.Audit.Due != 200*19 {
		t.Errorf("%+v", r.Audit)
	}
	if r.Counts.Acks != 200 || r.Latency.Ack.Count() != 200 {
		t.Errorf("%+v", r.Counts)
	}
}

func TestRequestsInTurnAreAnswered(t *testing.T) {
	t.Parallel()
	url, _ := relay(t)
	r := drive(t, of(url, plan.Group{Clients: 10, Requests: true, Think: plan.Time(50 * time.Millisecond)}, time.Second))
	if c := r.Counts; c.Requests < 10*2 || c.Requests > 10*21 || c.Acks != c.Requests || c.AckTimeouts != 0 || r.Latency.Ack.Count() != c.Acks {
		t.Errorf("%+v", c)
	}
}

func TestRequestsByRateAreEvenlyMany(t *testing.T) {
	t.Parallel()
	url, _ := relay(t)
	r := drive(t, of(url, plan.Group{Clients: 10, Requests: true, RequestRate: 200}, time.Second))
	if c := r.Counts; c.Requests != 200 || c.Acks != 200 || c.Unsent != 0 {
		t.Errorf("%+v", c)
	}
}

func TestRejoiningMembersGetWhatIsTheirs(t *testing.T) {
	t.Parallel()
	url, _ := relay(t)
	r := drive(t, of(url, plan.Group{Clients: 20, Rooms: 2, RoomsEach: 1, Rate: 200, Rejoin: plan.Time(100 * time.Millisecond)}, 2*time.Second))
	spotless(t, r)
	if c := r.Counts; c.Leaves < 100 || c.Joins < c.Leaves {
		t.Errorf("%+v", c)
	}
}

func TestClientsWhoseStayIsOverAreReplaced(t *testing.T) {
	t.Parallel()
	url, _ := relay(t)
	r := drive(t, of(url, plan.Group{Clients: 20, Rooms: 2, RoomsEach: 1, Publishers: 1, Rate: 100, Stay: plan.Time(300 * time.Millisecond)}, 2*time.Second))
	spotless(t, r)
	if c := r.Counts; c.Connected < 60 || c.ConnectErrors != 0 || c.Disconnects != 0 {
		t.Errorf("%+v", c)
	}
	for _, iv := range r.Intervals {
		if iv.Phase == 1 && iv.Wanted != 21 {
			t.Errorf("%d clients wanted at %v", iv.Wanted, iv.To)
		}
	}
}

func TestArrivalsComeByRateAndStay(t *testing.T) {
	t.Parallel()
	url, _ := relay(t)
	p := of(url, plan.Group{Arrivals: 100, Stay: plan.Time(200 * time.Millisecond)}, time.Second)
	r := drive(t, p)
	if c := r.Counts; c.Connected != 100 || c.ConnectErrors != 0 {
		t.Errorf("%+v", c)
	}
	last := r.Intervals[len(r.Intervals)-3]
	if last.Open < 10 || last.Open > 40 {
		t.Errorf("%d are there at once, of 20", last.Open)
	}
}

func TestStormBringsEverybodyBack(t *testing.T) {
	t.Parallel()
	url, _ := relay(t)
	g := plan.Group{Clients: 40, Rooms: 4, RoomsEach: 1, Publishers: 1, Rate: 200, Cut: plan.Cut{Share: .5, Every: 500 * time.Millisecond, For: 100 * time.Millisecond}}
	r := drive(t, of(url, g, 1800*time.Millisecond))
	spotless(t, r)
	c := r.Counts
	if c.Cuts < 20 || c.Reconnects != c.Cuts || c.Disconnects != 0 || r.Latency.Reconnect.Count() < 20 {
		t.Errorf("%+v, %d", c, r.Latency.Reconnect.Count())
	}
	if len(r.Warnings) > 0 {
		t.Errorf("%q", r.Warnings)
	}
	if shortest := r.Latency.Reconnect.Min(); shortest < 100*time.Millisecond {
		t.Errorf("back after %v, before the network was", shortest)
	}
	if r.Audit.Gap == 0 {
		t.Errorf("nothing was missed: %+v", r.Audit)
	}
	if last := r.Intervals[len(r.Intervals)-1]; last.Open != 0 {
		t.Errorf("%d connections are left", last.Open)
	}
}

func TestSlowReadersDoNotCountAsLost(t *testing.T) {
	t.Parallel()
	url, _ := relay(t, func(c *socketio.Config) { c.Engine.MaxQueueBytes = 512 << 10 })
	g := plan.Group{
		Clients: 5, Rooms: 1, RoomsEach: 1, Publishers: 1, Rate: 50, Payload: plan.Size(32 << 10),
		Slow: plan.Slow{Share: .2, BytesPerSecond: 100},
	}
	r := drive(t, of(url, g, 2*time.Second))
	spotless(t, r)
	if r.Counts.SlowClosed == 0 || r.Counts.Disconnects != 0 {
		t.Errorf("%+v, %+v", r.Counts, r.Errors)
	}
	if a := r.Audit; a.Delivered < 4*a.Published || a.Gap < a.Published/2 {
		t.Errorf("%+v", a)
	}
}

// TestStallOfTheServerIsInEveryLatency: what was due while the server stood still counts
// from then, not from when it could be sent or was answered.
func TestStallOfTheServerIsInEveryLatency(t *testing.T) {
	t.Parallel()
	url, io := relay(t)
	const stall = time.Second
	var n atomic.Int64
	io.On("stalling", func(e *socketio.Event) {
		if n.Add(1) == 20 {
			time.Sleep(stall)
		}
		room, _ := e.Arg(0).String()
		_ = e.Socket().To(room).Emit("msg", e.Args().From(1))
	})
	p := of(url, plan.Group{Clients: 1, Rooms: 1, RoomsEach: 1, Publishers: 1, Rate: 100}, 2*time.Second)
	p.Events.Publish = []any{"stalling", "{room}", "{payload}"}
	r := drive(t, p)
	spotless(t, r)
	d := r.Latency.Delivery
	if d.Count() != 200 {
		t.Fatalf("%d latencies, not 200", d.Count())
	}
	if late := d.Count() - d.AtMost(stall/2); late < 40 || d.Quantile(1) < stall {
		t.Errorf("%d messages were later than %v, of the 50 that were due so long before the stall's end; the latest by %v", late, stall/2, d.Quantile(1))
	}
}

func TestServersAreWatched(t *testing.T) {
	t.Parallel()
	url, _ := relay(t)
	p := of(url, plan.Group{Clients: 5, Rooms: 1, RoomsEach: 1, Publishers: 1, Rate: 100}, time.Second)
	p.PIDs = []int{os.Getpid()}
	r := drive(t, p)
	balanced(t, r)
	if len(r.Servers) != 1 || r.Servers[0].Source != "process" || len(r.Before) != 1 {
		t.Fatalf("%+v, %+v", r.Servers, r.Before)
	}
	load := r.Phases[1]
	if len(load.Servers) != 1 || load.Servers[0].ResidentBytes < 1<<20 {
		t.Errorf("%+v", load.Servers)
	}
}

func TestInterruptionEndsWithEverythingJudged(t *testing.T) {
	t.Parallel()
	url, _ := relay(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := of(url, plan.Group{Clients: 10, Rooms: 1, RoomsEach: 1, Publishers: 1, Rate: 100}, time.Hour)
	start := time.Now()
	r, err := Run(ctx, p, Hooks{Interval: func(iv result.Interval, p *Progress) {
		if iv.Audit.Delivered > 50 {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	spotless(t, r)
	if r.Ended != "interrupted" || time.Since(start) > 10*time.Second || r.Audit.Due != r.Audit.Delivered {
		t.Errorf("%s after %v: %+v", r.Ended, time.Since(start), r.Audit)
	}
}

func TestSpikeGoesUpAndBack(t *testing.T) {
	t.Parallel()
	url, _ := relay(t)
	p := of(url, plan.Group{Clients: 5, Rooms: 1, RoomsEach: 1, Publishers: 1, Rate: 50}, 0)
	p.Phases = []plan.Phase{
		{Name: "arrive", Kind: plan.Ramp, Quiet: true},
		{Name: "more", Kind: plan.Ramp, Duration: 500 * time.Millisecond, Clients: map[string]int{"group": 15}},
		{Name: "spike", Kind: plan.Spike, Duration: 500 * time.Millisecond, Clients: map[string]int{"group": 40}, Rate: map[string]float64{"group": 100}},
		{Name: "after", Kind: plan.Hold, Duration: 500 * time.Millisecond},
	}
	r := drive(t, p)
	spotless(t, r)
	var wanted, published []int64
	for _, ph := range r.Phases {
		published = append(published, ph.Counts.Published)
	}
	at := map[int]int64{}
	for _, iv := range r.Intervals {
		at[iv.Phase] = iv.Wanted
	}
	for i := range r.Phases {
		wanted = append(wanted, at[i])
	}
	if len(wanted) != 5 || wanted[0] != 6 || wanted[1] != 16 || wanted[2] != 41 || wanted[3] != 16 {
		t.Errorf("clients at the phases' ends: %v", wanted)
	}
	if r.Counts.Published != 25+50+25 || published[2] < 40 {
		t.Errorf("published in the phases: %v", published)
	}
	if r.Phases[2].Name != "spike" || r.Phases[4].Kind != plan.Stop {
		t.Errorf("%+v", r.Phases)
	}
}

func TestClientsThatDoNotReconnectAreGoneForGood(t *testing.T) {
	t.Parallel()
	url, _ := relay(t)
	p := of(url, plan.Group{
		Clients: 10, Rooms: 1, RoomsEach: 1, Publishers: 1, Rate: 100,
		Cut: plan.Cut{Share: .5, Every: 400 * time.Millisecond},
	}, 700*time.Millisecond)
	p.Reconnect.Off = true
	r := drive(t, p)
	spotless(t, r)
	if c := r.Counts; c.Cuts != 5 || c.Reconnects != 0 || r.Audit.Gap == 0 {
		t.Errorf("%+v, %+v", c, r.Audit)
	}
}

func TestServerThatDoesNotAnswerJoinsIsAudited(t *testing.T) {
	t.Parallel()
	url, io := relay(t)
	io.On("enter", func(e *socketio.Event) {
		room, _ := e.Arg(0).String()
		_ = e.Socket().Join(context.Background(), room)
	})
	p := of(url, plan.Group{Clients: 10, Rooms: 1, RoomsEach: 1, Publishers: 1, Rate: 100}, time.Second)
	p.Events = plan.Events{Join: []any{"enter", "{room}"}, NoJoinAck: true}
	r := drive(t, p)
	spotless(t, r)
	if r.Audit.Delivered != 1000 {
		t.Errorf("%+v", r.Audit)
	}
}

func TestOtherShapesOfEventsAreUnderstood(t *testing.T) {
	t.Parallel()
	url, io := relay(t)
	io.On("say", func(e *socketio.Event) {
		var in struct{ To, Text string }
		if e.Bind(&in) == nil {
			_ = e.Socket().To(in.To).Emit("said", map[string]any{"a": []string{`",]}`}}, 7, in.Text)
		}
	})
	p := of(url, plan.Group{Clients: 4, Rooms: 1, RoomsEach: 1, Rate: 100}, time.Second)
	p.Events = plan.Events{Publish: []any{"say", map[string]any{"to": "{room}", "text": "{payload}"}}, Receive: "said", Argument: 2}
	r := drive(t, p)
	spotless(t, r)
	if r.Audit.Delivered != 300 {
		t.Errorf("%+v", r.Audit)
	}
}

// TestRefusedClientsStayInTheDenominator: of ten clients two are not let in.
func TestRefusedClientsStayInTheDenominator(t *testing.T) {
	t.Parallel()
	url, io := relay(t)
	io.Use(func(s *socketio.Socket) error {
		var auth struct{ Client string }
		if err := s.Handshake().BindAuth(&auth); err != nil || auth.Client == "3" || auth.Client == "5" {
			return &socketio.ConnectError{Message: "full"}
		}
		return nil
	})
	p := of(url, plan.Group{Clients: 10, Rooms: 1, RoomsEach: 1, Publishers: 1, Rate: 100}, time.Second)
	p.Auth = map[string]any{"client": "{client}"}
	r := drive(t, p)
	spotless(t, r)
	if a := r.Audit; a.Due != 1000 || a.Absent != 200 || a.Delivered != 800 {
		t.Errorf("%+v", a)
	}
	if c := r.Counts; c.Attempts != 11 || c.ConnectErrors != 2 || !hasClass(r, "connect: connect_error: full") {
		t.Errorf("%+v %+v", c, r.Errors)
	}
}
