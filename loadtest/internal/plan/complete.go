package plan

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// What stands in place of what a plan leaves out.
const (
	defaultURL       = "http://localhost:3000"
	defaultHold      = 30 * time.Second
	defaultStay      = 10 * time.Second // of clients that arrive and have none by their scenario
	defaultCutEvery  = 10 * time.Second
	defaultAlgorithm = "HS256"
)

// Complete fills in what is left out and says what is wrong, if anything. Load and
// FromFlags have done it. It does the same to a plan that is complete.
func (p *Plan) Complete() error {
	p.fill()
	return p.check()
}

func (p *Plan) fill() {
	orElse(&p.Path, "/socket.io/")
	orElse(&p.Namespace, "/")
	orElse(&p.Interval, time.Second)
	orElse(&p.ConnectTimeout, 20*time.Second)
	orElse(&p.AckTimeout, 10*time.Second)
	orElse(&p.Drain, 10*time.Second)
	orElse(&p.Reconnect.Delay, time.Second)
	orElse(&p.Reconnect.Max, 5*time.Second)
	orElse(&p.Reconnect.Factor, .5)
	for p.Seed == 0 {
		p.Seed = rand.Uint64() >> 11 // what JSON's numbers hold exactly everywhere
	}
	if len(p.URLs) == 0 {
		p.URLs = []string{defaultURL}
	}
	if !strings.HasSuffix(p.Path, "/") {
		p.Path += "/"
	}
	p.Events = p.Events.withDefaults()
	if p.Token != nil {
		orElse(&p.Token.Algorithm, defaultAlgorithm)
		orElse(&p.Token.Lifetime, time.Hour)
		if p.Auth == nil && !p.tokenInHeader() {
			p.Auth = map[string]any{"token": holeToken}
		}
	}
	p.fillPhases()
}

func orElse[T comparable](v *T, fallback T) {
	var zero T
	if *v == zero {
		*v = fallback
	}
}

func (p *Plan) tokenInHeader() bool {
	for _, v := range p.Header {
		if strings.Contains(v, holeToken) {
			return true
		}
	}
	return false
}

// fillPhases names phases, and lets every plan end with a stop.
func (p *Plan) fillPhases() {
	if len(p.Phases) == 0 {
		p.Phases = []Phase{{Name: "arrive", Kind: Ramp, Quiet: true}, {Name: "load", Kind: Hold, Duration: defaultHold}}
	}
	if last := p.Phases[len(p.Phases)-1]; last.Kind != Stop {
		p.Phases = append(p.Phases, Phase{Kind: Stop})
	}
	taken := map[string]bool{}
	for i := range p.Phases {
		taken[p.Phases[i].Name] = true
	}
	for i := range p.Phases {
		ph := &p.Phases[i]
		if ph.Name != "" {
			continue
		}
		ph.Name = ph.Kind
		for n := 2; taken[ph.Name]; n++ {
			ph.Name = fmt.Sprint(ph.Kind, " ", n)
		}
		taken[ph.Name] = true
	}
}

// startFrom is the group of a scenario, for what is given of it. key is where the
// group is.
func startFrom(scenario string, clients int, given map[string]bool, key string) (Group, error) {
	if !given["clients"] {
		clients = DefaultClients
	}
	g, ok := Default(scenario, clients)
	if !ok {
		names := make([]string, len(Scenarios))
		for i, s := range Scenarios {
			names[i] = s.Name
		}
		return Group{}, refuse(join(key, "scenario"), scenario, "%s", strings.Join(names, ", "))
	}
	if given["arrivals"] && !given["clients"] {
		g.Clients = 0
	}
	return g, nil
}

// settle drops what the scenario has and what is given rules out.
func (g *Group) settle(given map[string]bool) {
	if g.Window > 0 && !given["rate"] {
		g.Rate = 0
	}
	if g.Arrivals > 0 && g.Stay.IsZero() && !given["stay"] {
		g.Stay = Time(defaultStay)
	}
	if g.RequestRate > 0 && !given["requests"] {
		g.Requests = true
	}
	if g.RequestRate > 0 && !given["think"] {
		g.Think = Dist{}
	}
	if g.Cut.Share > 0 && g.Cut.Every == 0 {
		g.Cut.Every = defaultCutEvery
	}
	if g.Rooms > 0 && !given["rooms_each"] {
		g.RoomsEach = min(max(g.RoomsEach, 1), g.Rooms)
	}
	if g.Rooms == 0 && !given["rooms_each"] {
		g.RoomsEach = 0
	}
}
