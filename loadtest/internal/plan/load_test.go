package plan

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func load(t *testing.T, content string, flags Flags) (Plan, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "plan.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(path, flags)
}

func mustLoad(t *testing.T, content string) Plan {
	t.Helper()
	p, err := load(t, content, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// everything is a file with every key, none with its default.
const everything = `
url: [http://10.0.0.1:3000, "https://[::1]"]
path: /rt
namespace: /chat
header: {X-Client: "{client}"}
auth: {who: "{client}", deep: [{n: 1}]}
token: {algorithm: HS256, key_file: KEY, claims: {sub: "{client}", admin: true}, lifetime: 2h}
insecure: true
events:
  join: [subscribe, {topic: "{room}"}]
  leave: [unsubscribe, {topic: "{room}"}]
  publish: [send, "{room}", {body: "{payload}"}]
  request: [echo, "{payload}"]
  receive: sent
  argument: 1
  no_join_ack: true
groups:
- name: talkers
  scenario: chat
  clients: 50
  transport: [polling, upgrade]
  rooms: 5
  rooms_each: 2
  publishers: 3
  rate: 12.5
  messages: 1000
  payload: 64..1k
  binary: true
  ack_publish: true
  requests: true
  request_rate: 7
  think: exp(2s)
  rejoin: 5s..10s
  stay: 1m
  cut: {share: 0.25, every: 7s, for: 3s}
  slow: {share: 0.125, bytes_per_second: 512}
- {name: visitors, scenario: idle, arrivals: 4, stay: 30s}
- {name: flood, scenario: fanout, window: 16}
phases:
- {name: warm, kind: ramp, duration: 10s, clients: {talkers: 20}, quiet: true}
- {kind: hold, duration: 1m30s, rate: {talkers: 20}, request_rate: {talkers: 9}, arrivals: {visitors: 8}}
- {kind: spike, duration: 500ms}
reconnect: {delay: 100ms, max: 2s, factor: 0.25, off: true}
sources: [127.0.0.2, 127.0.0.3]
metrics: ["http://127.0.0.1:9090/metrics"]
pids: [1, 2]
expect: lost=0
interval: 2s
connect_timeout: 3s
ack_timeout: 4s
drain: 5s
seed: 42
`

func withKey(t *testing.T, content string) string {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(content, "KEY", key)
}

func TestEveryKeyOfAFileReachesThePlan(t *testing.T) {
	p := mustLoad(t, withKey(t, everything))
	g := p.Groups[0]
	for _, row := range []struct {
		name      string
		got, want any
	}{
		{"url", p.URLs, []string{"http://10.0.0.1:3000", "https://[::1]"}},
		{"path", p.Path, "/rt/"},
		{"namespace", p.Namespace, "/chat"},
		{"header", p.Header, map[string]string{"X-Client": "{client}"}},
		{"auth", p.Auth, map[string]any{"who": "{client}", "deep": []any{map[string]any{"n": 1}}}},
		{"claims", p.Token.Claims, map[string]any{"sub": "{client}", "admin": true}},
		{"lifetime", p.Token.Lifetime, 2 * time.Hour},
		{"insecure", p.Insecure, true},
		{"join", p.Events.Join, []any{"subscribe", map[string]any{"topic": "{room}"}}},
		{"leave", p.Events.Leave[0], "unsubscribe"},
		{"publish", p.Events.Publish[0], "send"},
		{"request", p.Events.Request, []any{"echo", "{payload}"}},
		{"receive", p.Events.Receive, "sent"},
		{"argument", p.Events.Argument, 1},
		{"no_join_ack", p.Events.NoJoinAck, true},
		{"group", g, Group{
			Name: "talkers", Scenario: "chat", Clients: 50, Transport: []string{"polling", "upgrade"}, Rooms: 5, RoomsEach: 2, Publishers: 3,
			Rate: 12.5, Messages: 1000, Payload: Dist{Kind: Uniform, A: 64, B: 1024}, Binary: true, AckPublish: true, Requests: true, RequestRate: 7,
			Think: ExpTime(2 * time.Second), Rejoin: Dist{Kind: Uniform, A: 5, B: 10, Unit: "s"}, Stay: Time(time.Minute),
			Cut: Cut{.25, 7 * time.Second, 3 * time.Second}, Slow: Slow{.125, 512},
		}},
		{"clients of a group that arrives", p.Groups[1].Clients, 0},
		{"arrivals", p.Groups[1].Arrivals, 4.0},
		{"rate of a group with a window", p.Groups[2].Rate, 0.0},
		{"phases", p.Phases, []Phase{
			{Name: "warm", Kind: Ramp, Duration: 10 * time.Second, Clients: map[string]int{"talkers": 20}, Quiet: true},
			{Name: "hold", Kind: Hold, Duration: 90 * time.Second, Rate: map[string]float64{"talkers": 20}, RequestRate: map[string]float64{"talkers": 9}, Arrivals: map[string]float64{"visitors": 8}},
			{Name: "spike", Kind: Spike, Duration: 500 * time.Millisecond},
			{Name: "stop", Kind: Stop},
		}},
		{"reconnect", p.Reconnect, Reconnect{100 * time.Millisecond, 2 * time.Second, .25, true}},
		{"sources", p.Sources, []string{"127.0.0.2", "127.0.0.3"}},
		{"metrics", p.Metrics, []string{"http://127.0.0.1:9090/metrics"}},
		{"pids", p.PIDs, []int{1, 2}},
		{"expect", p.Expect, "lost=0"},
		{"times", []time.Duration{p.Interval, p.ConnectTimeout, p.AckTimeout, p.Drain}, []time.Duration{2 * time.Second, 3 * time.Second, 4 * time.Second, 5 * time.Second}},
		{"seed", p.Seed, uint64(42)},
	} {
		if !reflect.DeepEqual(row.got, row.want) {
			t.Errorf("%s: got %+v, want %+v", row.name, row.got, row.want)
		}
	}
}

// TestTheFileWithEverythingHasEveryKey keeps the test above complete.
func TestTheFileWithEverythingHasEveryKey(t *testing.T) {
	p := mustLoad(t, withKey(t, everything))
	var zero func(v reflect.Value, at string)
	zero = func(v reflect.Value, at string) {
		for i := range v.NumField() {
			name, f := at+v.Type().Field(i).Name, v.Field(i)
			switch {
			case name == "Token.key": // in no file
			case name == "Group.Window" || name == "Group.Arrivals": // in other groups
			case name == "Phase.Rate" || name == "Phase.RequestRate" || name == "Phase.Arrivals": // in another phase
			case f.IsZero():
				t.Errorf("%s is not set", name)
			case f.Type() == reflect.TypeFor[*Token]():
				zero(f.Elem(), "Token.")
			case f.Kind() == reflect.Struct && f.Type() != distType:
				zero(f, f.Type().Name()+".")
			}
		}
	}
	zero(reflect.ValueOf(p), "")
	zero(reflect.ValueOf(p.Groups[0]), "Group.")
	zero(reflect.ValueOf(p.Phases[0]), "Phase.")
}

func TestPlanSurvivesRoundTrips(t *testing.T) {
	plans := map[string]Plan{"everything": mustLoad(t, withKey(t, everything))}
	for _, s := range Scenarios {
		plans[s.Name] = mustLoad(t, "groups: [{scenario: "+s.Name+"}]")
	}
	for name, p := range plans {
		t.Run(name, func(t *testing.T) {
			asYAML, err := yaml.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := load(t, string(asYAML), nil); err != nil || !reflect.DeepEqual(again, p) {
				t.Errorf("through YAML: %v\n%+v\n%+v\n%s", err, again, p, asYAML)
			}
			asJSON, err := json.Marshal(p)
			if err != nil {
				t.Fatal(err)
			}
			var again Plan
			if err := json.Unmarshal(asJSON, &again); err != nil {
				t.Fatal(err)
			}
			if err := again.Complete(); err != nil {
				t.Fatal(err)
			}
			// Numbers of no field's type are all floats in JSON.
			if name == "everything" {
				again.Auth["deep"].([]any)[0].(map[string]any)["n"] = 1
			}
			if !reflect.DeepEqual(again, p) {
				t.Errorf("through JSON:\n%+v\n%+v", again, p)
			}
			if !bytes.Contains(asJSON, []byte(`"interval":"`+p.Interval.String()+`"`)) || bytes.Contains(asJSON, []byte("0000000")) {
				t.Errorf("durations are not readable: %s", asJSON)
			}
		})
	}
}

func TestAFileNeedsOnlyAScenario(t *testing.T) {
	p := mustLoad(t, "groups: [{scenario: chat}]")
	want, _ := Default("chat", DefaultClients)
	if !reflect.DeepEqual(p.Groups, []Group{want}) {
		t.Errorf("groups %+v, want %+v", p.Groups, want)
	}
	if len(p.Phases) != 3 || p.Phases[0].Kind != Ramp || p.Phases[1].Duration != 30*time.Second || p.Phases[2].Kind != Stop {
		t.Errorf("phases %+v", p.Phases)
	}
	if p.Seed == 0 || p.URLs[0] != "http://localhost:3000" || p.Interval != time.Second {
		t.Errorf("%+v", p)
	}
}

func TestWhatAGroupSaysGoesBeforeItsScenario(t *testing.T) {
	p := mustLoad(t, "groups: [{scenario: mixed, clients: 30, rate: 0, requests: false, cut: {share: 0}, rejoin: 0s, rooms: 1}]")
	g := p.Groups[0]
	if g.Rate != 0 || g.Requests || g.Cut.Share != 0 || !g.Rejoin.IsZero() || g.Rooms != 1 || g.RoomsEach != 1 {
		t.Errorf("%+v", g)
	}
	if g.Cut.For != 2*time.Second || g.Slow.Share != .01 {
		t.Errorf("what the group does not say is not its scenario's: %+v", g)
	}
}

func TestFlagsGoBeforeTheFile(t *testing.T) {
	p, err := load(t, "url: http://a:1\nheader: {X-A: a, X-B: b}\ngroups: [{scenario: chat}]", Flags{
		"url": {"http://b:2,http://c:3", "http://d:4"}, "header": {"X-B: c"}, "seed": {"9"}, "insecure": {"true"}, "html": {"report.html"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"http://b:2", "http://c:3", "http://d:4"}; !reflect.DeepEqual(p.URLs, want) {
		t.Errorf("url %v, want %v", p.URLs, want)
	}
	if want := map[string]string{"X-A": "a", "X-B": "c"}; !reflect.DeepEqual(p.Header, want) || p.Seed != 9 || !p.Insecure {
		t.Errorf("header %v, seed %d, insecure %v", p.Header, p.Seed, p.Insecure)
	}
	for flag, value := range map[string]string{"rate": "3", "scenario": "ack", "duration": "5s", "connect-rate": "10"} {
		if _, err := load(t, "groups: [{scenario: chat}]", Flags{flag: {value}}); err == nil || !strings.Contains(err.Error(), "--"+flag) || !strings.Contains(err.Error(), "in the file") {
			t.Errorf("--%s with a file: %v", flag, err)
		}
	}
}

func TestRefusalOfAFileNamesLineKeyValueAndWhatIsAllowed(t *testing.T) {
	const group = "groups: [{scenario: chat}]\n"
	inGroup := func(s string) string { return "groups:\n- scenario: chat\n  " + s }
	inPhase := func(s string) string { return group + "phases:\n- " + s }
	for _, tt := range []struct {
		name, file string
		want       []string
	}{
		{"nothing", "# nothing", []string{"--file", "groups"}},
		{"no YAML", "a: [", []string{"--file", "YAML"}},
		{"a list", "- a", []string{":1:", "key: value"}},
		{"unknown key", group + "urls: http://h", []string{":2:", "urls", `"http://h"`, "url, path"}},
		{"unknown key of a group", inGroup("rat: 3"), []string{":3:", "groups[0].rat", `"3"`, "rate"}},
		{"unknown key of a cut", inGroup("cut: {shar: 3}"), []string{":3:", "groups[0].cut.shar", "share, every, for"}},
		{"unknown key of a phase", inPhase("{kind: hold, lasts: 3s}"), []string{":3:", "phases[0].lasts", "duration"}},
		{"key twice", inGroup("rate: 1\n  rate: 2"), []string{":4:", "groups[0].rate", "once"}},
		{"key that is a list", "[a]: 3", []string{":1:", "name"}},
		{"no groups", "url: http://h", []string{"groups", "scenario: chat"}},
		{"groups as a mapping", "groups: {scenario: chat}", []string{":1:", "groups", "a list"}},
		{"unknown scenario", "groups:\n- {scenario: chats}", []string{":2:", "groups[0].scenario", `"chats"`, "idle, fanout, chat, ack, churn, storm, slow, mixed"}},
		{"no scenario", "groups:\n- {clients: 3}", []string{":2:", "groups[0].scenario", `""`, "idle"}},
		{"name twice", "groups:\n- {scenario: chat}\n- {scenario: chat}", []string{":3:", "groups[1].name", `"chat"`, "no other"}},
		{"URL without scheme", group + "url: localhost:3000", []string{":2:", "url[0]", `"localhost:3000"`, "http://host:port"}},
		{"URL with a path", group + "url: [http://a, http://h/chat]", []string{":2:", "url[1]", "--namespace"}},
		{"URL with a password", group + "url: http://u:hunter2@h", []string{":2:", "http://***@h"}},
		{"number for a text", group + "namespace: 7", []string{":2:", "namespace", `"7"`, "text"}},
		{"namespace", group + "namespace: chat", []string{":2:", "namespace", `"chat"`, "/chat"}},
		{"path", group + "path: rt", []string{":2:", "path", "/socket.io"}},
		{"duration without unit", group + "interval: 5", []string{":2:", "interval", `"5"`, "30s"}},
		{"interval too short", group + "interval: 1ms", []string{":2:", "interval", `"1ms"`, "from 100ms"}},
		{"seed below 0", group + "seed: -1", []string{":2:", "seed", `"-1"`, "whole number"}},
		{"text for a switch", group + "insecure: sure", []string{":2:", "insecure", "true or false"}},
		{"text for a number", inGroup("rate: fast"), []string{":3:", "groups[0].rate", `"fast"`, "a number"}},
		{"rate below 0", inGroup("rate: -1"), []string{":3:", "groups[0].rate", `"-1"`, "from 0"}},
		{"no number", inGroup("rate: .nan"), []string{":3:", "groups[0].rate", "a number"}},
		{"half a client", inGroup("clients: 1.5"), []string{":3:", "groups[0].clients", `"1.5"`, "whole number"}},
		{"no clients", inGroup("clients: 0"), []string{":3:", "groups[0].clients", "1 or more"}},
		{"transport", inGroup("transport: [websocket, webtransport]"), []string{":3:", "groups[0].transport[1]", `"webtransport"`, "websocket, polling or upgrade"}},
		{"payload", inGroup("payload: big"), []string{":3:", "groups[0].payload", `"big"`, "normal(200,50)"}},
		{"payload in seconds", inGroup("payload: 3s"), []string{":3:", "groups[0].payload", `"3s"`, "bytes"}},
		{"time without unit", inGroup("think: exp(3)"), []string{":3:", "groups[0].think", `"exp(3)"`, "500ms"}},
		{"share", inGroup("cut: {share: 20}"), []string{":3:", "groups[0].cut.share", `"20"`, "0 to 1"}},
		{"slow share", inGroup("slow: {share: -1}"), []string{":3:", "groups[0].slow.share", "0 to 1"}},
		{"rooms of nobody", inGroup("rooms: 0"), []string{":3:", "groups[0].rooms", "somebody publishes"}},
		{"more rooms each than rooms", inGroup("rooms: 2\n  rooms_each: 3"), []string{":4:", "groups[0].rooms_each", `"3"`, "2 at most"}},
		{"rate and window", inGroup("rate: 2\n  window: 3"), []string{":4:", "groups[0].window", `"3"`, "0 with a rate"}},
		{"clients and arrivals", inGroup("clients: 2\n  arrivals: 3"), []string{":3:", "groups[0].clients", "arrivals"}},
		{"binary in a text", "events: {publish: [p, \"{room} {payload}\"]}\n" + inGroup("binary: true"), []string{":4:", "groups[0].binary", "events.publish"}},
		{"kind of a phase", inPhase("{kind: pause, duration: 3s}"), []string{":3:", "phases[0].kind", `"pause"`, "ramp, hold, spike or stop"}},
		{"phase without kind", inPhase("{duration: 3s}"), []string{":3:", "phases[0].kind", "ramp, hold"}},
		{"hold of nothing", inPhase("{kind: hold}"), []string{":3:", "phases[0].duration", `"0s"`, "above 0s"}},
		{"stop in between", inPhase("{kind: stop}\n- {kind: hold, duration: 3s}"), []string{":3:", "phases[0].kind", "last"}},
		{"stop with duration", inPhase("{kind: stop, duration: 3s}"), []string{":3:", "phases[0].duration", "drain"}},
		{"group of a phase", inPhase("{kind: hold, duration: 3s, rate: {caht: 3}}"), []string{":3:", "phases[0].rate.caht", `"3"`, "chat"}},
		{"rate of a phase", inPhase("{kind: hold, duration: 3s, rate: {chat: -3}}"), []string{":3:", "phases[0].rate.chat", `"-3"`, "from 0"}},
		{"requests of a chat", inPhase("{kind: hold, duration: 3s, request_rate: {chat: 3}}"), []string{":3:", "phases[0].request_rate.chat", "with requests"}},
		{"placeholder", group + "auth: {token: \"{tokn}\"}", []string{":2:", "auth", `"{tokn}"`, "{client}"}},
		{"token without key", group + "auth: {token: \"{token}\"}", []string{":2:", "auth", "{client}"}},
		{"key that is missing", group + "token: {key_file: /does/not/exist}", []string{":2:", "token.key_file", `"/does/not/exist"`, "can be read"}},
		{"algorithm", group + "token: {algorithm: none, key_file: x}", []string{":2:", "token.algorithm", `"none"`, "HS256, RS256, ES256, EdDSA"}},
		{"header", group + "header: {Host: h}", []string{":2:", "header", "Host"}},
		{"join", group + "events: {join: [join]}", []string{":2:", "events.join", "{room}"}},
		{"source", group + "sources: [nowhere]", []string{":2:", "sources[0]", `"nowhere"`, "10.0.0.7"}},
		{"metrics", group + "metrics: localhost:9090", []string{":2:", "metrics[0]", "/metrics"}},
		{"pid", group + "pids: [0]", []string{":2:", "pids[0]", "process"}},
		{"reconnect", group + "reconnect: {factor: 2}", []string{":2:", "reconnect.factor", `"2"`, "up to 1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := load(t, tt.file, nil)
			if err == nil {
				t.Fatal("was taken")
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

func TestFileThatCannotBeReadIsNamed(t *testing.T) {
	big := filepath.Join(t.TempDir(), "big.yaml")
	if err := os.WriteFile(big, bytes.Repeat([]byte("#"), maxFileBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/does/not/exist.yaml", t.TempDir(), big} {
		if _, err := Load(path, nil); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "--file") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(everything))
	f.Add([]byte("a: &a [*a]\ngroups: *a"))
	f.Add([]byte("groups: [{scenario: chat, cut: {every: 3s}}]\nauth: {1: 2}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := parse("f", raw, nil)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q", err)
			}
			return
		}
		if err := p.Complete(); err != nil {
			t.Errorf("complete, and then not: %v", err)
		}
		if _, err := json.Marshal(p); err != nil {
			t.Error(err)
		}
	})
}
