package result

import (
	"math"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

// Figure is a number that follows from a result.
type Figure struct {
	Name string // as in expectations: delivered_per_s
	Unit string // "/s", "µs", "KiB", "%", "B"
	// Better is 1 if more is better, -1 if less is.
	Better int
	Help   string
	// Of is NaN if what it needs was not measured.
	Of func(*Result) float64
}

// Figures are all there are. Those by the second and of CPU are of the phases of
// Loaded; what servers use is of all servers together, and is divided by what clients
// saw, whatever else it was used for.
var Figures = []Figure{
	{"published_per_s", "/s", 1, "messages published", rate(func(p *Phase) int64 { return p.Counts.Published })},
	{"delivered_per_s", "/s", 1, "messages that arrived, each once for each subscriber", rate(func(p *Phase) int64 { return p.Audit.Delivered })},
	{"received_per_s", "/s", 1, "events that arrived, of any kind", rate(func(p *Phase) int64 { return p.Counts.Received })},
	{"acks_per_s", "/s", 1, "requests answered", rate(func(p *Phase) int64 { return p.Counts.Acks })},
	{"connects_per_s", "/s", 1, "connections made, in phases in which clients come", connectRate},
	{"cpu_percent", "%", -1, "CPU of the servers, of one core", cpuPercent},
	{"cpu_us_per_delivery", "µs", -1, "CPU of the servers by messages that arrived", cpuPer(func(p *Phase) int64 { return p.Audit.Delivered })},
	{"cpu_us_per_ack", "µs", -1, "CPU of the servers by requests answered", cpuPer(func(p *Phase) int64 { return p.Counts.Acks })},
	{"cpu_us_per_connect", "µs", -1, "CPU of the servers by connections made, in phases in which clients come", cpuPerConnect},
	{"kib_per_conn", "KiB", -1, "memory that the servers gained since before the test, by connections, at the end of the load", kibPerConn},
	{"queue_bytes_max", "B", -1, "most bytes that waited for clients at once", queueMax},
}

// Loaded are the indexes of the phases that count when figures by the second are made:
// those that hold or spike and are not quiet. If there is none, all but those that
// stop, so that a run that was interrupted early has figures too.
func (r *Result) Loaded() []int {
	loaded := r.phases(func(p Phase, quiet bool) bool { return !quiet && (p.Kind == plan.Hold || p.Kind == plan.Spike) })
	if len(loaded) == 0 {
		loaded = r.phases(func(p Phase, _ bool) bool { return p.Kind != plan.Stop })
	}
	return loaded
}

// phases are those that took time and of which want is true.
func (r *Result) phases(want func(p Phase, quiet bool) bool) []int {
	var out []int
	for i, p := range r.Phases {
		quiet := i < len(r.Plan.Phases) && r.Plan.Phases[i].Quiet
		if p.To > p.From && want(p, quiet) {
			out = append(out, i)
		}
	}
	return out
}

// Over is several phases as one, and the seconds that they took together. From and To
// are those of the first and the last of them.
func (r *Result) Over(phases []int) (sum Phase, seconds float64) {
	for n, i := range phases {
		p := r.Phases[i]
		if n == 0 {
			sum.Name, sum.Kind, sum.From = p.Name, p.Kind, p.From
		}
		seconds += p.To - p.From
		sum.To = p.To
		sum.Counts.Add(p.Counts)
		sum.Audit.Add(p.Audit)
		sum.Latency.Merge(p.Latency)
		for len(sum.Servers) < len(p.Servers) {
			sum.Servers = append(sum.Servers, Usage{Missing, Missing, Missing})
		}
		for j, u := range p.Servers {
			sum.Servers[j].add(u)
		}
	}
	return sum, seconds
}

// add adds what was used later.
func (u *Usage) add(later Usage) {
	if later.CPUSeconds >= 0 {
		u.CPUSeconds = max(u.CPUSeconds, 0) + later.CPUSeconds
	}
	if later.ResidentBytes >= 0 {
		u.ResidentBytes = later.ResidentBytes
	}
	if later.Connections >= 0 {
		u.Connections = later.Connections
	}
}

func (r *Result) loaded() (Phase, float64) { return r.Over(r.Loaded()) }

// arriving are the phases in which clients come.
func (r *Result) arriving() (Phase, float64) {
	return r.Over(r.phases(func(p Phase, _ bool) bool { return p.Kind == plan.Ramp && p.Counts.Attempts > 0 }))
}

func ratio(a, b float64) float64 {
	if b <= 0 {
		return math.NaN()
	}
	return a / b
}

func rate(count func(*Phase) int64) func(*Result) float64 {
	return func(r *Result) float64 {
		p, seconds := r.loaded()
		return ratio(float64(count(&p)), seconds)
	}
}

func connectRate(r *Result) float64 {
	p, seconds := r.arriving()
	return ratio(float64(p.Counts.Connected), seconds)
}

// cpu is the seconds that all servers used. NaN if it is not known of one of them: a
// sum without it would look cheap.
func cpu(p Phase) float64 {
	var sum float64
	for _, u := range p.Servers {
		if u.CPUSeconds < 0 {
			return math.NaN()
		}
		sum += u.CPUSeconds
	}
	if len(p.Servers) == 0 {
		return math.NaN()
	}
	return sum
}

func cpuPercent(r *Result) float64 {
	p, seconds := r.loaded()
	return 100 * ratio(cpu(p), seconds)
}

func cpuPer(count func(*Phase) int64) func(*Result) float64 {
	return func(r *Result) float64 {
		p, _ := r.loaded()
		return 1e6 * ratio(cpu(p), float64(count(&p)))
	}
}

func cpuPerConnect(r *Result) float64 {
	p, _ := r.arriving()
	return 1e6 * ratio(cpu(p), float64(p.Counts.Connected))
}

// kibPerConn takes the connections from our own count: some servers tell none.
func kibPerConn(r *Result) float64 {
	iv, ok := r.lastLoaded()
	if !ok || len(r.Servers) == 0 || len(r.Before) != len(r.Servers) || len(iv.Servers) != len(r.Servers) {
		return math.NaN()
	}
	var gained int64
	for i, s := range iv.Servers {
		if s.ResidentBytes < 0 || r.Before[i].ResidentBytes < 0 {
			return math.NaN()
		}
		gained += s.ResidentBytes - r.Before[i].ResidentBytes
	}
	return ratio(float64(gained)/1024, float64(iv.Open))
}

// lastLoaded is the last interval of the load.
func (r *Result) lastLoaded() (Interval, bool) {
	loaded := r.Loaded()
	for i := len(r.Intervals) - 1; i >= 0 && len(loaded) > 0; i-- {
		if iv := r.Intervals[i]; iv.Phase == loaded[len(loaded)-1] {
			return iv, true
		}
	}
	return Interval{}, false
}

func queueMax(r *Result) float64 {
	most := math.NaN()
	for _, iv := range r.Intervals {
		var sum int64
		known := false
		for _, s := range iv.Servers {
			if s.QueueBytes >= 0 {
				sum += s.QueueBytes
				known = true
			}
		}
		if known && !(float64(sum) <= most) {
			most = float64(sum)
		}
	}
	return most
}

// CPUPercent is what one server used between two samples that lie so many seconds
// apart, in percent of one core. NaN if it is not known.
func CPUPercent(before, after Sample, seconds float64) float64 {
	used := CPUBetween(before, after)
	if used < 0 {
		return math.NaN()
	}
	return 100 * ratio(used, seconds)
}
