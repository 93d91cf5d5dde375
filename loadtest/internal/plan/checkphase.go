package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func (p *Plan) checkPhases() error {
	if n := len(p.Phases); n > mostPhases {
		return refuse("phases", n, "%d phases at most", mostPhases)
	}
	for i := range p.Phases {
		if err := p.checkPhase(i, fmt.Sprintf("phases[%d]", i)); err != nil {
			return err
		}
	}
	for i := range p.Groups {
		if p.Most(i) > p.Groups[i].Publishers {
			return nil
		}
	}
	return refuse("groups[0].clients", p.Groups[0].Clients, "1 or more, here or in a phase")
}

func (p *Plan) checkPhase(i int, key string) error {
	ph := &p.Phases[i]
	switch {
	case !slices.Contains([]string{Ramp, Hold, Spike, Stop}, ph.Kind):
		return refuse(key+".kind", ph.Kind, "ramp, hold, spike or stop")
	case ph.Kind == Stop && i < len(p.Phases)-1:
		return refuse(key+".kind", ph.Kind, "the stop as the last phase")
	case ph.Kind == Stop && ph.Duration != 0:
		return refuse(key+".duration", ph.Duration, "none: a stop lasts until all has arrived, at most as long as drain says")
	case (ph.Kind == Hold || ph.Kind == Spike) && ph.Duration <= 0:
		return refuse(key+".duration", ph.Duration, "a duration above 0s")
	case ph.Duration < 0 || ph.Duration > longestPhase:
		return refuse(key+".duration", ph.Duration, "a duration from 0s to %v", longestPhase)
	}
	for _, names := range []struct {
		key    string
		values map[string]float64
		most   float64
	}{
		{"clients", floats(ph.Clients), mostClients}, {"rate", ph.Rate, mostRate}, {"request_rate", ph.RequestRate, mostRate}, {"arrivals", ph.Arrivals, mostRate},
	} {
		for _, name := range slices.Sorted(maps.Keys(names.values)) {
			if err := p.checkChange(join(key, names.key), names.key, name, names.values[name], names.most); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkChange is for a number of a group that a phase changes.
func (p *Plan) checkChange(key, what, group string, value, most float64) error {
	at := slices.IndexFunc(p.Groups, func(g Group) bool { return g.Name == group })
	if at < 0 {
		names := make([]string, len(p.Groups))
		for i := range p.Groups {
			names[i] = p.Groups[i].Name
		}
		return refuse(join(key, group), value, "the name of a group: %s", strings.Join(names, ", "))
	}
	if !(value >= 0 && value <= most) {
		return refuse(join(key, group), value, "a number from 0 to %.0f", most)
	}
	g := &p.Groups[at]
	switch {
	case what == "rate" && (g.Window > 0 || g.Rooms == 0) && value > 0:
		return refuse(join(key, group), value, "a group with rooms and without a window")
	case what == "request_rate" && !g.Requests && value > 0:
		return refuse(join(key, group), value, "a group with requests")
	case what == "arrivals" && (g.Clients > 0 || g.Stay.IsZero()) && value > 0:
		return refuse(join(key, group), value, "a group with a stay and without clients")
	case what == "clients" && g.Arrivals > 0 && value > 0:
		return refuse(join(key, group), value, "a group without arrivals")
	}
	return nil
}

func floats(m map[string]int) map[string]float64 {
	out := make(map[string]float64, len(m))
	for k, v := range m {
		out[k] = float64(v)
	}
	return out
}
