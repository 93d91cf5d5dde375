package plan

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Flags are settings of a command line, as written, by name without dashes. A name
// that is none of FlagNames is ignored: it is about the program, not the plan.
type Flags map[string][]string

// flagKeys are the flags of a plan and the keys that they set. A key that begins with
// groups[0] is the one group's of a plan without a file.
var flagKeys = []struct{ flag, key string }{
	{"url", "url"}, {"path", "path"}, {"namespace", "namespace"}, {"insecure", "insecure"},
	{"header", "header"}, {"auth", "auth"},
	{"token-key", "token.key_file"}, {"token-algorithm", "token.algorithm"}, {"token-claim", "token.claims"}, {"token-lifetime", "token.lifetime"},
	{"metrics", "metrics"}, {"pid", "pids"}, {"interval", "interval"}, {"expect", "expect"},
	{"source", "sources"}, {"seed", "seed"},
	{"connect-timeout", "connect_timeout"}, {"ack-timeout", "ack_timeout"}, {"drain", "drain"},

	{"clients", "groups[0].clients"}, {"transport", "groups[0].transport"},
	{"rooms", "groups[0].rooms"}, {"rooms-each", "groups[0].rooms_each"}, {"publishers", "groups[0].publishers"},
	{"arrivals", "groups[0].arrivals"}, {"window", "groups[0].window"}, {"messages", "groups[0].messages"},
	{"payload", "groups[0].payload"}, {"binary", "groups[0].binary"}, {"ack-publish", "groups[0].ack_publish"},
	{"think", "groups[0].think"}, {"stay", "groups[0].stay"}, {"rejoin", "groups[0].rejoin"},
	{"cut-share", "groups[0].cut.share"}, {"cut-every", "groups[0].cut.every"}, {"cut-for", "groups[0].cut.for"},
	{"slow-share", "groups[0].slow.share"}, {"slow-rate", "groups[0].slow.bytes_per_second"},

	{"scenario", "groups[0].scenario"}, {"rate", "groups[0].rate"}, // or another, by the scenario
	{"duration", "phases[1].duration"}, {"connect-rate", "phases[0].duration"},
}

// FlagNames are the flags that a plan knows.
func FlagNames() []string {
	names := make([]string, len(flagKeys))
	for i, f := range flagKeys {
		names[i] = f.flag
	}
	return names
}

// FromFlags makes a plan of one group: its clients arrive, stay for a duration, and
// stop. Errors are one line that names the flag, its value and what is allowed.
func FromFlags(flags Flags) (Plan, error) {
	scenario := flags["scenario"]
	if len(scenario) == 0 {
		names := make([]string, len(Scenarios))
		for i, s := range Scenarios {
			names[i] = s.Name
		}
		return Plan{}, fmt.Errorf("--scenario or --file is missing; scenarios: %s", strings.Join(names, ", "))
	}
	if len(scenario) > 1 {
		return Plan{}, fmt.Errorf("--scenario=%q: want it once; --file composes several", shown(strings.Join(scenario, ",")))
	}
	var p Plan
	names, err := flags.onto(&p)
	if err != nil {
		return Plan{}, err
	}
	g, err := flags.group(names)
	if err == nil {
		p.Groups = []Group{g}
		p.Phases, err = flags.phases(g, names)
	}
	if err == nil {
		err = p.Complete()
	}
	if err != nil {
		return Plan{}, names.orFlag(err)
	}
	return p, nil
}

// onto sets what is not about groups and phases. It refuses the rest if p comes from
// a file, which then has groups.
func (flags Flags) onto(p *Plan) (flagsByKey, error) {
	names := flagsByKey{}
	for _, f := range flagKeys {
		values := flags[f.flag]
		if len(values) == 0 {
			continue
		}
		if top, _, _ := strings.Cut(f.key, "["); top == "groups" || top == "phases" {
			if len(p.Groups) > 0 {
				return nil, fmt.Errorf("--%s=%q: not with --file; want it in the file, below %s", f.flag, shown(values[0]), top)
			}
			continue
		}
		if err := set(reflect.ValueOf(p).Elem(), f.key, f.key, values); err != nil {
			return nil, flagError(f.flag, values, err)
		}
		names.add(f.key, f.flag, values)
	}
	return names, nil
}

// group is the one group of the command line.
func (flags Flags) group(names flagsByKey) (Group, error) {
	const at = "groups[0]"
	given, scenario := map[string]bool{}, flags["scenario"][0]
	names.add(at+".scenario", "scenario", flags["scenario"])
	var asked Group
	type setting struct {
		flag, key string
		values    []string
	}
	var settings []setting
	for _, f := range flagKeys {
		key, ok := strings.CutPrefix(f.key, at+".")
		if !ok || len(flags[f.flag]) == 0 || f.flag == "scenario" {
			continue
		}
		if f.flag == "rate" {
			if s, found := find(scenario); found {
				key = s.Rate
			}
		}
		if _, twice := names[at+"."+key]; twice {
			return Group{}, fmt.Errorf("--rate=%q: want it without --%s: in %s it is the same", flags["rate"][0], names[at+"."+key].flag, scenario)
		}
		given[strings.SplitN(key, ".", 2)[0]] = true
		names.add(at+"."+key, f.flag, flags[f.flag])
		settings = append(settings, setting{f.flag, key, flags[f.flag]})
		if key == "clients" {
			if err := set(reflect.ValueOf(&asked).Elem(), key, key, flags[f.flag]); err != nil {
				return Group{}, flagError(f.flag, flags[f.flag], err)
			}
		}
	}
	g, err := startFrom(scenario, asked.Clients, given, at)
	if err != nil {
		return Group{}, err
	}
	for _, s := range settings {
		if err := set(reflect.ValueOf(&g).Elem(), s.key, s.key, s.values); err != nil {
			return Group{}, flagError(s.flag, s.values, err)
		}
	}
	g.settle(given)
	return g, nil
}

// phases are those of the command line: quiet arrival, load, stop.
func (flags Flags) phases(g Group, names flagsByKey) ([]Phase, error) {
	hold := Phase{Name: "load", Kind: Hold, Duration: defaultHold}
	if v := flags["duration"]; len(v) > 0 {
		if err := set(reflect.ValueOf(&hold).Elem(), "duration", "duration", v); err != nil {
			return nil, flagError("duration", v, err)
		}
		names.add("phases[1].duration", "duration", v)
	}
	arrive := Phase{Name: "arrive", Kind: Ramp, Quiet: true}
	if v := flags["connect-rate"]; len(v) > 0 {
		rate, err := strconv.ParseFloat(v[0], 64)
		if err != nil || !(rate > 0 && rate <= mostRate) || g.Arrivals > 0 {
			return nil, fmt.Errorf("--connect-rate=%q: want connections a second, above 0, and not with arrivals", shown(v[0]))
		}
		arrive.Duration = time.Duration(math.Ceil(float64(g.Clients+g.Publishers) / rate * float64(time.Second)))
		names.add("phases[0].duration", "connect-rate", v)
	}
	if g.Arrivals > 0 { // nobody is there at the start
		if names["phases[1].duration"].flag != "" {
			names.add("phases[0].duration", "duration", flags["duration"])
		}
		return []Phase{hold}, nil
	}
	return []Phase{arrive, hold}, nil
}
