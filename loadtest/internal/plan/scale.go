package plan

import (
	"maps"
	"math"
	"slices"
	"strings"
)

// What the load of a plan is measured by, and what Scaled multiplies.
const (
	VaryRate    = "rate"    // messages, requests and arrivals a second
	VaryClients = "clients" // at once, publishers not counted
)

// Load is how much of it all groups together have in the fullest phase. 0: none.
func (p *Plan) Load(what string) float64 {
	most := 0.0
	for i := range p.Phases {
		sum := 0.0
		for g := range p.Groups {
			n := p.Numbers(i, g)
			if what == VaryClients {
				sum += max(n.Clients.From, n.Clients.To)
				continue
			}
			for _, l := range []Line{n.Rate, n.RequestRate, n.Arrivals} {
				sum += max(l.From, l.To)
			}
		}
		most = max(most, sum)
	}
	return most
}

// LoadUnit is what Load counts: clients, messages/s, or several as messages and
// requests/s.
func (p *Plan) LoadUnit(what string) string {
	if what == VaryClients {
		return "clients"
	}
	var units []string
	for _, u := range []struct {
		name string
		of   func(Numbers) Line
	}{
		{"messages", func(n Numbers) Line { return n.Rate }},
		{"requests", func(n Numbers) Line { return n.RequestRate }},
		{"arrivals", func(n Numbers) Line { return n.Arrivals }},
	} {
		if p.some(u.of) {
			units = append(units, u.name)
		}
	}
	return strings.Join(units, " and ") + "/s"
}

// some reports whether a number is above 0 in any phase of any group.
func (p *Plan) some(of func(Numbers) Line) bool {
	for i := range p.Phases {
		for g := range p.Groups {
			if l := of(p.Numbers(i, g)); l.From > 0 || l.To > 0 {
				return true
			}
		}
	}
	return false
}

// Scaled is a copy of the plan with so many times the load: that of each group, and each
// change of it in a phase, is multiplied. All else stays, rooms and lengths of phases
// included. It is to be checked anew.
func (p *Plan) Scaled(what string, factor float64) Plan {
	scaled := *p
	scaled.Groups, scaled.Phases = slices.Clone(p.Groups), slices.Clone(p.Phases)
	for i := range scaled.Groups {
		g := &scaled.Groups[i]
		if what == VaryClients {
			g.Clients = wholly(g.Clients, factor)
			continue
		}
		g.Rate, g.RequestRate, g.Arrivals = g.Rate*factor, g.RequestRate*factor, g.Arrivals*factor
	}
	for i := range scaled.Phases {
		ph := &scaled.Phases[i]
		if what == VaryClients {
			ph.Clients = maps.Clone(ph.Clients)
			for name, n := range ph.Clients {
				ph.Clients[name] = wholly(n, factor)
			}
			continue
		}
		ph.Rate, ph.RequestRate, ph.Arrivals = multiplied(ph.Rate, factor), multiplied(ph.RequestRate, factor), multiplied(ph.Arrivals, factor)
	}
	return scaled
}

func wholly(n int, factor float64) int { return int(math.Round(min(float64(n)*factor, math.MaxInt32))) }

func multiplied(m map[string]float64, factor float64) map[string]float64 {
	m = maps.Clone(m)
	for name := range m {
		m[name] *= factor
	}
	return m
}
