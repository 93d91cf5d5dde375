package plan

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// flagRows has every flag with a value that is not its default, and what the plan gets.
func flagRows(t *testing.T) []flagRow {
	key := strings.Fields(withKey(t, "KEY"))[0]
	return []flagRow{
		{"url", []string{"http://a:1,https://b", "http://c"}, func(p Plan) any { return p.URLs }, []string{"http://a:1", "https://b", "http://c"}},
		{"path", []string{"/rt"}, func(p Plan) any { return p.Path }, "/rt/"},
		{"namespace", []string{"/7"}, func(p Plan) any { return p.Namespace }, "/7"},
		{"insecure", []string{"true"}, func(p Plan) any { return p.Insecure }, true},
		{"header", []string{"X-A: b: c", "X-D:e"}, func(p Plan) any { return p.Header }, map[string]string{"X-A": "b: c", "X-D": "e"}},
		{"auth", []string{`{"a": [1, "{client}"]}`}, func(p Plan) any { return p.Auth }, map[string]any{"a": []any{1.0, "{client}"}}},
		{"token-key", []string{key}, func(p Plan) any { return []any{*p.Token, p.Auth} }, []any{Token{Algorithm: "HS256", KeyFile: key, Lifetime: time.Hour}, map[string]any{"token": "{token}"}}},
		{"token-algorithm", []string{"HS256"}, func(p Plan) any { return p.Token.Algorithm }, "HS256"},
		{"token-claim", []string{"sub={client}", "a=b=c"}, func(p Plan) any { return p.Token.Claims }, map[string]any{"sub": "{client}", "a": "b=c"}},
		{"token-lifetime", []string{"2h"}, func(p Plan) any { return p.Token.Lifetime }, 2 * time.Hour},
		{"metrics", []string{"http://a/metrics", "http://b/metrics"}, func(p Plan) any { return p.Metrics }, []string{"http://a/metrics", "http://b/metrics"}},
		{"pid", []string{"7", "8,9"}, func(p Plan) any { return p.PIDs }, []int{7, 8, 9}},
		{"interval", []string{"2s"}, func(p Plan) any { return p.Interval }, 2 * time.Second},
		{"expect", []string{"lost=0,ack_p99<5ms"}, func(p Plan) any { return p.Expect }, "lost=0,ack_p99<5ms"},
		{"source", []string{"127.0.0.2", "127.0.0.3"}, func(p Plan) any { return p.Sources }, []string{"127.0.0.2", "127.0.0.3"}},
		{"seed", []string{"7"}, func(p Plan) any { return p.Seed }, uint64(7)},
		{"connect-timeout", []string{"3s"}, func(p Plan) any { return p.ConnectTimeout }, 3 * time.Second},
		{"ack-timeout", []string{"3s"}, func(p Plan) any { return p.AckTimeout }, 3 * time.Second},
		{"drain", []string{"3s"}, func(p Plan) any { return p.Drain }, 3 * time.Second},
		{"clients", []string{"70"}, func(p Plan) any { return []any{p.Groups[0].Clients, p.Groups[0].Rooms} }, []any{70, 7}},
		{"transport", []string{"polling,upgrade"}, func(p Plan) any { return p.Groups[0].Transport }, []string{"polling", "upgrade"}},
		{"rooms", []string{"3"}, func(p Plan) any { return p.Groups[0].Rooms }, 3},
		{"rooms-each", []string{"3"}, func(p Plan) any { return p.Groups[0].RoomsEach }, 3},
		{"publishers", []string{"3"}, func(p Plan) any { return p.Groups[0].Publishers }, 3},
		{"arrivals", []string{"3"}, func(p Plan) any {
			return []any{p.Groups[0].Arrivals, p.Groups[0].Clients, p.Groups[0].Stay, len(p.Phases)}
		}, []any{3.0, 0, Time(10 * time.Second), 2}},
		{"window", []string{"3"}, func(p Plan) any { return []any{p.Groups[0].Window, p.Groups[0].Rate} }, []any{3, 0.0}},
		{"messages", []string{"3"}, func(p Plan) any { return p.Groups[0].Messages }, 3},
		{"payload", []string{"64..128"}, func(p Plan) any { return p.Groups[0].Payload.String() }, "64..128"},
		{"binary", []string{"true"}, func(p Plan) any { return p.Groups[0].Binary }, true},
		{"ack-publish", []string{"true"}, func(p Plan) any { return p.Groups[0].AckPublish }, true},
		{"think", []string{"3s"}, func(p Plan) any { return p.Groups[0].Think }, Time(3 * time.Second)},
		{"stay", []string{"exp(3s)"}, func(p Plan) any { return p.Groups[0].Stay }, ExpTime(3 * time.Second)},
		{"rejoin", []string{"3s"}, func(p Plan) any { return p.Groups[0].Rejoin }, Time(3 * time.Second)},
		{"cut-share", []string{"0.5"}, func(p Plan) any { return p.Groups[0].Cut }, Cut{Share: .5, Every: 10 * time.Second}},
		{"cut-every", []string{"3s"}, func(p Plan) any { return p.Groups[0].Cut.Every }, 3 * time.Second},
		{"cut-for", []string{"3s"}, func(p Plan) any { return p.Groups[0].Cut.For }, 3 * time.Second},
		{"slow-share", []string{"0.5"}, func(p Plan) any { return p.Groups[0].Slow.Share }, .5},
		{"slow-rate", []string{"30"}, func(p Plan) any { return p.Groups[0].Slow.BytesPerSecond }, 30},
		{"scenario", []string{"fanout"}, func(p Plan) any { return p.Groups[0].Publishers }, 1},
		{"rate", []string{"2.5"}, func(p Plan) any { return p.Groups[0].Rate }, 2.5},
		{"duration", []string{"90s"}, func(p Plan) any { return p.Phases[1] }, Phase{Name: "load", Kind: Hold, Duration: 90 * time.Second}},
		{"connect-rate", []string{"50"}, func(p Plan) any { return p.Phases[0] }, Phase{Name: "arrive", Kind: Ramp, Quiet: true, Duration: 2 * time.Second}},
	}
}

type flagRow struct {
	flag   string
	values []string
	get    func(Plan) any
	want   any
}

func TestEveryFlagReachesThePlan(t *testing.T) {
	rows := flagRows(t)
	for _, row := range rows {
		t.Run(row.flag, func(t *testing.T) {
			flags := Flags{"scenario": {"chat"}}
			if strings.HasPrefix(row.flag, "token-") {
				flags["token-key"] = rows[slices.IndexFunc(rows, func(r flagRow) bool { return r.flag == "token-key" })].values
			}
			flags[row.flag] = row.values
			p, err := FromFlags(flags)
			if err != nil {
				t.Fatal(err)
			}
			if got := row.get(p); !reflect.DeepEqual(got, row.want) {
				t.Errorf("got %+v, want %+v", got, row.want)
			}
		})
	}
	for _, name := range FlagNames() {
		if !slices.ContainsFunc(rows, func(r flagRow) bool { return r.flag == name }) {
			t.Errorf("no test of --%s", name)
		}
	}
}

func TestRateIsWhatTheScenarioIsAbout(t *testing.T) {
	for scenario, get := range map[string]func(Group) float64{
		"idle":   func(g Group) float64 { return g.Arrivals },
		"ack":    func(g Group) float64 { return g.RequestRate },
		"fanout": func(g Group) float64 { return g.Rate },
		"mixed":  func(g Group) float64 { return g.Rate },
	} {
		p, err := FromFlags(Flags{"scenario": {scenario}, "rate": {"33"}})
		if err != nil || get(p.Groups[0]) != 33 {
			t.Errorf("%s: %+v, %v", scenario, p.Groups, err)
		}
	}
}

func TestEveryScenarioIsAPlan(t *testing.T) {
	for _, s := range Scenarios {
		for _, clients := range []string{"1", "7", "100000"} {
			if _, err := FromFlags(Flags{"scenario": {s.Name}, "clients": {clients}}); err != nil {
				t.Errorf("%s with %s clients: %v", s.Name, clients, err)
			}
		}
	}
}

func TestRefusalOfAFlagNamesItItsValueAndWhatIsAllowed(t *testing.T) {
	for _, tt := range []struct {
		name  string
		flags Flags
		want  []string
	}{
		{"no scenario", Flags{"scenario": nil}, []string{"--scenario", "--file", "idle, fanout"}},
		{"unknown scenario", Flags{"scenario": {"chats"}}, []string{`--scenario="chats"`, "idle, fanout"}},
		{"two scenarios", Flags{"scenario": {"chat", "ack"}}, []string{"--scenario", "once"}},
		{"URL", Flags{"url": {"localhost"}}, []string{`--url="localhost"`, "http://host:port"}},
		{"no URL", Flags{"url": {""}}, []string{"--url", "http://host:port"}},
		{"scheme", Flags{"url": {"ftp://h"}}, []string{"--url", "ftp://h", "http"}},
		{"password", Flags{"url": {"http://u:hunter2@h"}}, []string{"--url", "***@h"}},
		{"number", Flags{"clients": {"many"}}, []string{`--clients="many"`, "whole number"}},
		{"below 0", Flags{"clients": {"-1"}}, []string{`--clients="-1"`, "from 0"}},
		{"none", Flags{"clients": {"0"}}, []string{`--clients="0"`, "1 or more"}},
		{"too many", Flags{"clients": {"99999999999999999999"}}, []string{"--clients", "whole number"}},
		{"rate", Flags{"rate": {"fast"}}, []string{`--rate="fast"`, "a number"}},
		{"rate of requests", Flags{"scenario": {"ack"}, "rate": {"-5"}}, []string{`--rate="-5"`, "from 0"}},
		{"rate and arrivals", Flags{"scenario": {"idle"}, "rate": {"5"}, "arrivals": {"5"}}, []string{"--rate", "--arrivals", "idle"}},
		{"duration", Flags{"duration": {"30"}}, []string{`--duration="30"`, "30s"}},
		{"duration of nothing", Flags{"duration": {"0s"}}, []string{`--duration="0s"`, "above 0s"}},
		{"duration of arrivals", Flags{"arrivals": {"3"}, "duration": {"-3s"}}, []string{`--duration="-3s"`, "above 0s"}},
		{"connect rate", Flags{"connect-rate": {"0"}}, []string{`--connect-rate="0"`, "above 0"}},
		{"connect rate with arrivals", Flags{"connect-rate": {"5"}, "arrivals": {"3"}}, []string{"--connect-rate", "arrivals"}},
		{"payload", Flags{"payload": {"big"}}, []string{`--payload="big"`, "normal(200,50)"}},
		{"payload in seconds", Flags{"payload": {"3s"}}, []string{`--payload="3s"`, "bytes"}},
		{"think", Flags{"think": {"3"}}, []string{`--think="3"`, "500ms"}},
		{"transport", Flags{"transport": {"tcp"}}, []string{`--transport="tcp"`, "websocket, polling or upgrade"}},
		{"rooms", Flags{"rooms": {"0"}}, []string{`--rooms="0"`, "somebody publishes"}},
		{"rooms each", Flags{"rooms": {"1"}, "rooms-each": {"2"}}, []string{`--rooms-each="2"`, "1 at most"}},
		{"window", Flags{"window": {"2"}, "rate": {"3"}}, []string{`--window="2"`, "0 with a rate"}},
		{"share", Flags{"cut-share": {"20"}}, []string{`--cut-share="20"`, "0 to 1"}},
		{"interval", Flags{"interval": {"1ms"}}, []string{`--interval="1ms"`, "from 100ms"}},
		{"auth", Flags{"auth": {"hunter2"}}, []string{"--auth", "JSON object"}},
		{"auth of nothing", Flags{"auth": {"null"}}, []string{"--auth", "JSON object"}},
		{"placeholder", Flags{"auth": {`{"hunter2":"{tok}"}`}}, []string{"--auth", "{tok}", "{client}"}},
		{"header", Flags{"header": {"hunter2"}}, []string{"--header", "X-Client"}},
		{"own header", Flags{"header": {"Upgrade: h2c"}}, []string{"--header", "Authorization"}},
		{"header of two lines", Flags{"header": {"X: a\r\nY: b"}}, []string{"--header", "one line"}},
		{"claim", Flags{"token-claim": {"hunter2"}}, []string{"--token-claim", "sub={client}"}},
		{"claim without key", Flags{"token-claim": {"a=b"}}, []string{"--token-key", "file"}},
		{"key", Flags{"token-key": {"/does/not/exist"}}, []string{"--token-key", "/does/not/exist"}},
		{"algorithm", Flags{"token-key": {"/x"}, "token-algorithm": {"HS512"}}, []string{`--token-algorithm="HS512"`, "EdDSA"}},
		{"pid", Flags{"pid": {"x"}}, []string{`--pid="x"`, "whole number"}},
		{"metrics", Flags{"metrics": {":9090"}}, []string{"--metrics", "/metrics"}},
		{"source", Flags{"source": {"::x"}}, []string{"--source", "10.0.0.7"}},
		{"namespace", Flags{"namespace": {"chat"}}, []string{`--namespace="chat"`, "/chat"}},
		{"path", Flags{"path": {"/a?b"}}, []string{`--path="/a?b"`, "without query"}},
		{"switch", Flags{"binary": {"sure"}}, []string{`--binary="sure"`, "true or false"}},
		{"seed", Flags{"seed": {"-1"}}, []string{`--seed="-1"`, "whole number"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			flags := Flags{"scenario": {"chat"}}
			for name, values := range tt.flags {
				flags[name] = values
			}
			p, err := FromFlags(flags)
			if err == nil {
				t.Fatalf("was taken: %+v", p)
			}
			if strings.Contains(err.Error(), "\n") || strings.Contains(err.Error(), "hunter2") {
				t.Errorf("%q", err)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not name %q", err, part)
				}
			}
		})
	}
}
