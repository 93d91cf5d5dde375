package search

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/verdict"
)

// From when on this side, and not the server, is taken for what failed.
const (
	fullShare = .9                     // of the processors are in use
	leastLag  = 10 * time.Millisecond  // behind the schedule; less is chance
	lagOfP99  = .5                     // of the p99 is this program's own lag
	lateShare = .02                    // of what was due under load was not sent by its end
	lateLag   = 100 * time.Millisecond // is what that must come to, at least
)

// Side is what is known of this side while there was load.
type Side struct {
	// Cores is how many this program may use.
	Cores int
	// Busy is the share of all processors of this machine that were in use, by anything. -1:
	// not known.
	Busy float64
	// Local: all servers are on this machine too.
	Local bool
}

// Judge says what a run says of its load, and why, if it was not met: of Held, what held
// it up. Of Unmet, why is "" unless the server is on this machine, and the machine was full.
func Judge(r *result.Result, s Side) (v Verdict, why string) {
	lag, late := behind(r)
	if late > 0 { // whatever was met: it was with less than this load
		return Held, fmt.Sprintf("the load tool had not sent %s of what was due", result.Percent(int64(late*1e6), 1e6))
	}
	if r.Ended == "complete" && verdict.Met(r.Checks) {
		return Met, ""
	}
	if why := heldUp(r, s, lag); why != "" {
		return Held, why
	}
	if s.Busy >= fullShare {
		return Unmet, s.full()
	}
	return Unmet, ""
}

func (s Side) full() string { return fmt.Sprintf("this machine was %.0f %% busy", 100*s.Busy) }

// heldUp is what on this side kept the load from being what it should, "" if nothing did.
func heldUp(r *result.Result, s Side, lag time.Duration) string {
	if used := ToolCores(r); used >= fullShare*float64(s.Cores) {
		return fmt.Sprintf("the load tool used %.2f of %d cores", used, s.Cores)
	}
	if !s.Local && s.Busy >= fullShare {
		return s.full()
	}
	for _, e := range r.Errors {
		if _, class, _ := strings.Cut(e.Class, ": "); class == "no free port" || class == "too many files" {
			return fmt.Sprintf("%s failed on this machine: %s", result.Whole(e.Count), e.Class)
		}
	}
	_, h := MainLatency(r)
	if lag >= leastLag && h.Count() > 0 && lag >= time.Duration(lagOfP99*float64(h.Quantile(.99))) {
		return fmt.Sprintf("the load tool was %s behind its schedule, and p99 was %s", result.Time(lag), result.Time(h.Quantile(.99)))
	}
	return ""
}

// chance is how many messages may have been on the way from the schedule to the counter
// when an interval ended.
const chance = 2

// behind is how far this program was behind its schedule at most, and which share of what
// was due under load it had not sent when that ended, 0 if it is too little to be sure
// of. What a client could not send, because it had no connection or the server took no
// more, is not its doing. Both are 0 where there is no schedule.
func behind(r *result.Result) (lag time.Duration, late float64) {
	s := scheduleOf(&r.Plan)
	for _, phase := range r.Loaded() {
		if phase >= len(r.Plan.Phases) {
			continue
		}
		due, missing, now := 0.0, 0.0, time.Duration(0)
		for _, at := range s.moments(r, phase) {
			var rate float64
			due, rate = s.due(phase, at.seconds)
			if missing = due - float64(at.sent) - chance; rate > 0 {
				now = time.Duration(missing / rate * float64(time.Second))
				lag = max(lag, now)
			}
		}
		if now >= lateLag && missing >= lateShare*due {
			late = max(late, missing/due)
		}
	}
	return lag, late
}

// moment is how much had been sent so many seconds after a phase began.
type moment struct {
	seconds float64
	sent    int64
}

// moments are the ends of a phase's intervals; of several workers only its end, as their
// intervals are put together by the nearest step, and phases exactly.
func (s schedule) moments(r *result.Result, phase int) (out []moment) {
	ph := &r.Phases[phase]
	if len(r.Workers) > 0 {
		return []moment{{min(ph.To-ph.From, s.plan.Phases[phase].Duration.Seconds()), s.sent(&ph.Counts)}}
	}
	sent := int64(0)
	for i := range r.Intervals {
		if iv := &r.Intervals[i]; iv.Phase == phase {
			sent += s.sent(&iv.Counts)
			out = append(out, moment{iv.To - ph.From, sent})
		}
	}
	return out
}

// schedule is what a plan has by rates. Where a closed loop is counted together with one
// that is open, neither is looked at.
type schedule struct {
	plan               *plan.Plan
	messages, requests bool
}

func scheduleOf(p *plan.Plan) schedule {
	s := schedule{plan: p, messages: true, requests: true}
	for i := range p.Groups {
		g := &p.Groups[i]
		s.messages = s.messages && g.Window == 0 && g.Messages == 0
		s.requests = s.requests && (!g.Requests || g.RequestRate > 0)
	}
	return s
}

// due is what was to be sent in a phase's first seconds, and by which rate at their end.
func (s schedule) due(phase int, seconds float64) (n, rate float64) {
	at := time.Duration(math.Round(seconds * float64(time.Second)))
	for g := range s.plan.Groups {
		numbers := s.plan.Numbers(phase, g)
		if s.messages {
			n += numbers.Rate.Sum(at)
			rate += numbers.Rate.At(at)
		}
		if s.requests {
			n += numbers.RequestRate.Sum(at)
			rate += numbers.RequestRate.At(at)
		}
	}
	return n, rate
}

func (s schedule) sent(c *result.Counts) int64 {
	n := c.Unsent
	if s.messages {
		n += c.Published
	}
	if s.requests {
		n += c.Requests
	}
	return n
}

// ToolCores is how many cores this program used under load. NaN: not known.
func ToolCores(r *result.Result) float64 {
	loaded := map[int]bool{}
	for _, i := range r.Loaded() {
		loaded[i] = true
	}
	used, seconds := 0.0, 0.0
	for i := 1; i < len(r.Intervals); i++ {
		if iv := &r.Intervals[i]; loaded[iv.Phase] {
			cpu := result.CPUBetween(r.Intervals[i-1].Tool, iv.Tool)
			if cpu < 0 {
				return math.NaN()
			}
			used += cpu
			seconds += iv.To - iv.From
		}
	}
	if seconds == 0 {
		return math.NaN()
	}
	return used / seconds
}

// MainLatency is what a run is about: deliveries, or else acks, or else connections.
func MainLatency(r *result.Result) (string, *result.Histogram) {
	for _, l := range []struct {
		name string
		h    *result.Histogram
	}{{"delivery", r.Latency.Delivery}, {"ack", r.Latency.Ack}} {
		if l.h.Count() > 0 {
			return l.name, l.h
		}
	}
	return "connect", r.Latency.Connect
}
