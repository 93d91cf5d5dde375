package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/gateway"
)

// settings has every setting with a value that is not its default, as each
// source spells it, and what the gateway gets.
var settings = []struct {
	flag, value string
	yaml        string // "" means as value
	get         func(gateway.Config) any
	want        any
}{
	{"dev", "true", "", func(c gateway.Config) any { return c.Dev }, true},
	{"listen", "127.0.0.1:4000", "", func(c gateway.Config) any { return c.Listen }, "127.0.0.1:4000"},
	{"internal-listen", "[::1]:4001", `"[::1]:4001"`, func(c gateway.Config) any { return c.InternalListen }, "[::1]:4001"},
	{"path", "/rt/io/", "", func(c gateway.Config) any { return c.Path }, "/rt/io"},
	{"allowed-origins", "https://a.example, http://localhost:8080", "[https://a.example, http://localhost:8080]", func(c gateway.Config) any { return c.AllowedOrigins }, []string{"https://a.example", "http://localhost:8080"}},
	{"trusted-proxies", "10.1.2.3/8,192.0.2.7", "", func(c gateway.Config) any { return c.TrustedProxies }, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.7/32")}},
	{"transports", "websocket", "[websocket]", func(c gateway.Config) any { return c.Transports }, []string{"websocket"}},
	{"ping-interval", "300ms", "", func(c gateway.Config) any { return c.PingInterval }, 300 * time.Millisecond},
	{"ping-timeout", "200ms", "", func(c gateway.Config) any { return c.PingTimeout }, 200 * time.Millisecond},
	{"connect-timeout", "1s", "", func(c gateway.Config) any { return c.ConnectTimeout }, time.Second},
	{"upgrade-timeout", "1m30s", "", func(c gateway.Config) any { return c.UpgradeTimeout }, 90 * time.Second},
	{"max-payload", "2000", "0x7d0", func(c gateway.Config) any { return c.MaxPayload }, 2000},
	{"max-queue", "4096", "4_096", func(c gateway.Config) any { return c.MaxQueue }, 4096},
	{"max-connections", "7", "", func(c gateway.Config) any { return c.Limits.Connections }, 7},
	{"recovery", "2m", "", func(c gateway.Config) any { return c.Recovery.Window }, 2 * time.Minute},
	{"recovery-max-events", "500", "0x1f4", func(c gateway.Config) any { return c.Recovery.MaxEvents }, 500},
	{"recovery-max-bytes", "65536", "65_536", func(c gateway.Config) any { return c.Recovery.MaxBytes }, 65536},
	{"nodes", "1", "0x1", func(c gateway.Config) any { return c.Nodes }, 1}, // more need --dev
	{"redis-url", "rediss://user:pass@redis.example:6380/2", "", func(c gateway.Config) any { return c.RedisURL }, "rediss://user:pass@redis.example:6380/2"},
	{"redis-url-file", "testdata/redis_url", "", func(c gateway.Config) any { return c.RedisURL }, "redis://user:pass@redis.example:6379/2"},
	{"adapter", "sharded", "", func(c gateway.Config) any { return c.Adapter }, "sharded"},
	{"private-rooms", "exact", "", func(c gateway.Config) any { return c.PrivateRooms }, "exact"},
	{"subscription-mode", "static", "", func(c gateway.Config) any { return c.SubscriptionMode }, "static"},
	{"redis-prefix", "chat", "", func(c gateway.Config) any { return c.RedisPrefix }, "chat"},
	{"advertise", "10.0.0.7:9091", "", func(c gateway.Config) any { return c.Advertise }, "10.0.0.7:9091"},
	{"cluster-key", "0123456789abcdef", `"0123456789abcdef"`, func(c gateway.Config) any { return c.ClusterKey }, "0123456789abcdef"},
	{"cluster-key-file", "testdata/cluster_key", "", func(c gateway.Config) any { return c.ClusterKey }, "0123456789abcdef"},
	{"affinity-cookie", "node", "", func(c gateway.Config) any { return c.AffinityCookie }, "node"},
	{"drain-delay", "0s", "", func(c gateway.Config) any { return c.DrainDelay }, time.Duration(0)},
	{"drain-window", "7s", "", func(c gateway.Config) any { return c.DrainWindow }, 7 * time.Second},
	{"debug-key", "0123456789abcdef", `"0123456789abcdef"`, func(c gateway.Config) any { return c.DebugKey }, "0123456789abcdef"},
	{"debug-key-file", "testdata/cluster_key", "", func(c gateway.Config) any { return c.DebugKey }, "0123456789abcdef"},
	{"trace-endpoint", "http://collector:4318", "", func(c gateway.Config) any { return c.TraceEndpoint }, "http://collector:4318"},
	{"log-level", "warn", "", func(c gateway.Config) any { return c.LogLevel }, slog.LevelWarn},
	{"log-format", "text", "", func(c gateway.Config) any { return c.LogFormat }, "text"},
}

func TestEverySettingCanComeFromEverySource(t *testing.T) {
	for _, s := range settings {
		inFile := s.yaml
		if inFile == "" {
			inFile = s.value
		}
		file := writeFile(t, key(s.flag)+": "+inFile+"\n")
		for source, parsed := range map[string]func() (command, error){
			"flag": func() (command, error) {
				return parse([]string{"--" + s.flag + "=" + s.value}, company(s.flag), io.Discard)
			},
			"environment": func() (command, error) {
				return parse(nil, sources{environ: append(company(s.flag).environ, variable(s.flag)+"="+s.value)}, io.Discard)
			},
			"file": func() (command, error) { return parse([]string{"--config", file}, company(s.flag), io.Discard) },
		} {
			t.Run(s.flag+" by "+source, func(t *testing.T) {
				cmd, err := parsed()
				if err != nil {
					t.Fatal(err)
				}
				if got := s.get(cmd.cfg); !reflect.DeepEqual(got, s.want) {
					t.Errorf("got %v, want %v", got, s.want)
				}
			})
		}
	}
}

func TestTableOfSettingsIsComplete(t *testing.T) {
	var help bytes.Buffer
	if _, err := parse([]string{"--help"}, sources{}, &help); err != nil {
		t.Fatal(err)
	}
	listed := strings.Count(help.String(), "\n  --")
	if want := len(settings) + 1; listed != want { // and --config
		t.Errorf("help lists %d flags, the tests know %d", listed, want)
	}
	for _, s := range settings {
		if !strings.Contains(help.String(), variable(s.flag)+"\n") {
			t.Errorf("help does not name %s", variable(s.flag))
		}
	}
}

func TestHelpFitsATerminal(t *testing.T) {
	var help bytes.Buffer
	if _, err := parse([]string{"--help"}, env("GATEWAY_LISTEN", "nonsense"), &help); err != nil {
		t.Fatalf("help needs no configuration: %v", err)
	}
	for _, line := range strings.Split(help.String(), "\n") {
		if n := len([]rune(line)); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

func TestFlagWinsOverEnvironmentOverFile(t *testing.T) {
	file := writeFile(t, "max_queue: 1\nmax_payload: 1\nredis_prefix: file\n")
	src := sources{environ: []string{"GATEWAY_CONFIG=" + file, "GATEWAY_MAX_QUEUE=2", "GATEWAY_MAX_PAYLOAD=2", "GATEWAY_LISTEN="}}
	cmd, err := parse([]string{"--max-queue=3"}, src, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if c := cmd.cfg; c.MaxQueue != 3 || c.MaxPayload != 2 || c.RedisPrefix != "file" {
		t.Errorf("max-queue %d from the flag, max-payload %d from the environment, redis-prefix %q from the file", c.MaxQueue, c.MaxPayload, c.RedisPrefix)
	}
	if cmd.cfg.Listen != ":3000" {
		t.Errorf("an empty variable set listen to %q", cmd.cfg.Listen)
	}
}

func TestDevChangesOnlyWhatIsNotSaid(t *testing.T) {
	plain, err := parse(nil, sources{}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if c := plain.cfg; len(c.AllowedOrigins) != 0 || c.DrainDelay != 5*time.Second || c.DrainWindow != 20*time.Second || c.LogFormat != "json" {
		t.Errorf("without --dev: %+v", c)
	}
	dev, err := parse([]string{"--dev"}, sources{}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if c := dev.cfg; !reflect.DeepEqual(c.AllowedOrigins, []string{"*"}) || c.DrainDelay != 0 || c.DrainWindow != time.Second || c.LogFormat != "text" {
		t.Errorf("with --dev: %+v", c)
	}
	said, err := parse([]string{"--dev", "--allowed-origins=https://a.example", "--drain-delay=2s", "--drain-window=3s", "--log-format=json"}, sources{}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if c := said.cfg; !reflect.DeepEqual(c.AllowedOrigins, []string{"https://a.example"}) || c.DrainDelay != 2*time.Second || c.DrainWindow != 3*time.Second || c.LogFormat != "json" {
		t.Errorf("with --dev and more: %+v", c)
	}
}

func TestSeveralNodesAreForDev(t *testing.T) {
	cmd, err := parse([]string{"--dev", "--nodes=3", "--listen=:65533"}, sources{}, io.Discard)
	if err != nil || cmd.cfg.Nodes != 3 {
		t.Errorf("%d nodes, %v", cmd.cfg.Nodes, err)
	}
}

// TestRefusalNamesKeyValueAndWhatIsAllowed holds for each kind of mistake, from
// each source: exit status 2, nothing on stdout, one line.
func TestRefusalNamesKeyValueAndWhatIsAllowed(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		env  []string
		file string
		want []string // parts of the line
		not  string   // what it must not have
	}{
		{name: "unknown flag", args: []string{"--pingg=3"}, want: []string{"--pingg", "--ping-interval"}},
		{name: "flag of a later version", args: []string{"--api-token=3"}, want: []string{"--api-token", "allowed"}},
		{name: "unknown command", args: []string{"start"}, want: []string{"start", "serve, check-config, healthcheck, drain, version"}},
		{name: "flag without value", args: []string{"--listen"}, want: []string{"--listen"}},
		{name: "unknown variable", env: []string{"GATEWAY_PINGG=3"}, want: []string{"GATEWAY_PINGG", `"3"`, "GATEWAY_PING_INTERVAL"}},
		{name: "unknown variable with a secret", env: []string{"GATEWAY_API_KEY=hunter2"}, want: []string{"GATEWAY_API_KEY"}, not: "hunter2"},
		{name: "no cluster key", args: []string{"--redis-url=redis://h"}, want: []string{"--cluster-key", `""`, "16 bytes"}},
		{name: "short cluster key", env: []string{"GATEWAY_CLUSTER_KEY=hunter2"}, want: []string{"GATEWAY_CLUSTER_KEY", `"***"`, "16 bytes"}, not: "hunter2"},
		{name: "number as cluster key", file: "cluster_key: 1234567890123456", want: []string{"cluster_key", "text in quotes"}, not: "1234567890123456"},
		{name: "address for peers without host", args: []string{"--advertise=:9090"}, want: []string{"--advertise", `":9090"`, "10.0.0.7:9090"}},
		{name: "name of a cookie", args: []string{"--affinity-cookie=a b"}, want: []string{"--affinity-cookie", `"a b"`, "letters"}},
		{name: "unknown key", file: "pingg: 3", want: []string{":1:", "pingg", `"3"`, "ping_interval"}},
		{name: "flag's name as key", file: "ping-interval: 3s", want: []string{"ping-interval", `"3s"`, "ping_interval"}},
		{name: "key given twice", file: "max_queue: 1\nmax_queue: 2", want: []string{":2:", "max_queue", "once"}},
		{name: "file that is missing", args: []string{"--config=/does/not/exist"}, want: []string{"--config", "/does/not/exist", "YAML file"}},
		{name: "file that is no YAML", file: "a: [", want: []string{"--config", "YAML file"}},
		{name: "file that is a list", file: "- a", want: []string{"a list", "max_queue: 1048576"}},
		{name: "number as text in the file", file: `max_queue: "7"`, want: []string{"max_queue", `"7"`, "whole number"}},
		{name: "fraction in the file", file: "max_queue: 7.5", want: []string{"max_queue", `"7.5"`, "whole number"}},
		{name: "number beyond all in the file", file: "max_queue: 99999999999999999999", want: []string{"max_queue", "99999999999999999999", "whole number"}},
		{name: "number for a duration in the file", file: "ping_interval: 25", want: []string{"ping_interval", `"25"`, "text"}},
		{name: "mapping in the file", file: "listen: {port: 3}", want: []string{"listen", "a mapping", "text"}},
		{name: "nothing in the file", file: "listen:", want: []string{"listen", "nothing", "text"}},
		{name: "text for a switch in the file", file: "dev: sure", want: []string{"dev", `"sure"`, "true or false"}},
		{name: "number in a list", file: "transports: [1]", want: []string{"transports", `"1"`, "text"}},
		{name: "list for a text", file: "listen: [a]", want: []string{"listen", "a list", "text"}},
		{name: "switch", args: []string{"--dev=sure"}, want: []string{"--dev", `"sure"`, "true or false"}},
		{name: "address without port", args: []string{"--listen=localhost"}, want: []string{"--listen", `"localhost"`, ":3000"}},
		{name: "port too high", env: []string{"GATEWAY_INTERNAL_LISTEN=:70000"}, want: []string{"GATEWAY_INTERNAL_LISTEN", `":70000"`, "65535"}},
		{name: "path that is everything", args: []string{"--path=/"}, want: []string{"--path", `"/"`, "/socket.io"}},
		{name: "path with a query", args: []string{"--path=/a?b"}, want: []string{"--path", `"/a?b"`, "/socket.io"}},
		{name: "transport", args: []string{"--transports=polling,webtransport"}, want: []string{"--transports", "webtransport", "polling, websocket"}},
		{name: "transport twice", args: []string{"--transports=polling,polling"}, want: []string{"--transports"}},
		{name: "no transport", args: []string{"--transports="}, want: []string{"--transports", `""`}},
		{name: "duration without unit", args: []string{"--ping-interval=25"}, want: []string{"--ping-interval", `"25"`, "25s"}},
		{name: "duration of nothing", args: []string{"--ping-timeout=0s"}, want: []string{"--ping-timeout", `"0s"`, "from 1ms"}},
		{name: "negative duration", args: []string{"--drain-delay=-1s"}, want: []string{"--drain-delay", `"-1s"`, "from 0s"}},
		{name: "duration of days", args: []string{"--connect-timeout=48h"}, want: []string{"--connect-timeout", `"48h"`, "24h"}},
		{name: "negative size", args: []string{"--max-payload", "-5"}, want: []string{"--max-payload", `"-5"`, "from 1"}},
		{name: "negative number of connections", args: []string{"--max-connections", "-1"}, want: []string{"--max-connections", `"-1"`, "from 0 (no limit)"}},
		{name: "size with a unit", args: []string{"--max-queue=1MB"}, want: []string{"--max-queue", `"1MB"`, "bytes"}},
		{name: "origin without scheme", args: []string{"--allowed-origins=example.com"}, want: []string{"--allowed-origins", `"example.com"`, "https://example.com"}},
		{name: "origin with a path", args: []string{"--allowed-origins=https://example.com/"}, want: []string{"--allowed-origins", "without path"}},
		{name: "network", args: []string{"--trusted-proxies=10.0.0.0/99"}, want: []string{"--trusted-proxies", `"10.0.0.0/99"`, "10.0.0.0/8"}},
		{name: "negative recovery", args: []string{"--recovery=-1s"}, want: []string{"--recovery", `"-1s"`, "0s (off)"}},
		{name: "recovery of a moment", args: []string{"--recovery=999ms"}, want: []string{"--recovery", `"999ms"`, "from 1s to 24h"}},
		{name: "recovery of days", env: []string{"GATEWAY_RECOVERY=25h"}, want: []string{"GATEWAY_RECOVERY", `"25h"`, "from 1s to 24h"}},
		{name: "recovery without unit", args: []string{"--recovery=120"}, want: []string{"--recovery", `"120"`, "2m"}},
		{name: "recovery of no events", args: []string{"--recovery-max-events=0"}, want: []string{"--recovery-max-events", `"0"`, "from 1 to 16384"}},
		{name: "recovery of all events", file: "recovery_max_events: 16385", want: []string{"recovery_max_events", `"16385"`, "from 1 to 16384"}},
		{name: "recovery of no bytes", args: []string{"--recovery-max-bytes=0"}, want: []string{"--recovery-max-bytes", `"0"`, "bytes"}},
		{name: "recovery with a Redis Cluster", args: []string{"--recovery=2m", "--dev", "--redis-url=redis://:hunter2@a:6379,b:6379"}, want: []string{"--recovery", `"2m"`, "Redis Cluster", "Sentinel"}, not: "hunter2"},
		{name: "no nodes", args: []string{"--dev", "--nodes=0"}, want: []string{"--nodes", `"0"`, "from 1 to 16"}},
		{name: "many nodes", args: []string{"--dev", "--nodes=17"}, want: []string{"--nodes", `"17"`, "from 1 to 16"}},
		{name: "nodes of a half", file: "dev: true\nnodes: 1.5", want: []string{"nodes", `"1.5"`, "whole number"}},
		{name: "nodes without dev", env: []string{"GATEWAY_NODES=3"}, want: []string{"GATEWAY_NODES", `"3"`, "1 without --dev", "--redis-url"}},
		{name: "nodes on a Redis", args: []string{"--dev", "--nodes=3", "--redis-url=redis://h"}, want: []string{"--nodes", `"3"`, "1 with --redis-url"}},
		{name: "no ports for nodes", args: []string{"--dev", "--nodes=3", "--listen=:65534"}, want: []string{"--listen", `":65534"`, "up to 65533", "3 nodes"}},
		{name: "no internal ports for nodes", args: []string{"--dev", "--nodes=3", "--internal-listen=:65535"}, want: []string{"--internal-listen", `":65535"`, "up to 65533"}},
		{name: "scheme of Redis", args: []string{"--redis-url=http://user:hunter2@h"}, want: []string{"--redis-url", "http://***@h", "rediss://"}, not: "hunter2"},
		{name: "broken URL of Redis", env: []string{"GATEWAY_REDIS_URL=redis://user:hun/ter2%@h:x"}, want: []string{"GATEWAY_REDIS_URL", "rediss://"}, not: "ter2"},
		{name: "broken URL of Redis in the file", file: "redis_url: redis://:hunter2@", want: []string{"redis_url", "rediss://"}, not: "hunter2"},
		{name: "Sentinel without the name of a master", args: []string{"--redis-url=redis+sentinel://:hunter2@h:26379"}, want: []string{"--redis-url", "redis+sentinel://***@h", "host/master"}, not: "hunter2"},
		{name: "Cluster with a database", args: []string{"--redis-url=redis://:hunter2@a:6379,redis://b:6379/1"}, want: []string{"--redis-url", "redis://***@a:6379,redis://b:6379/1", "commas"}, not: "hunter2"},
		{name: "Cluster with a host of nothing", args: []string{"--redis-url=redis://a:6379,"}, want: []string{"--redis-url", "commas"}},
		{name: "adapter", args: []string{"--adapter=streams"}, want: []string{"--adapter", `"streams"`, "classic or sharded"}},
		{name: "mode", env: []string{"GATEWAY_SUBSCRIPTION_MODE=private"}, want: []string{"GATEWAY_SUBSCRIPTION_MODE", `"private"`, "dynamic-private"}},
		{name: "unknown parameter of Redis", args: []string{"--redis-url=redis://:hunter2@h/?nonsense=1"}, want: []string{"--redis-url", "redis://***@h"}, not: "hunter2"},
		{name: "prefix of nothing", args: []string{"--redis-prefix="}, want: []string{"--redis-prefix", `""`, "1 to 256"}},
		{name: "level", file: "log_level: loud", want: []string{"log_level", `"loud"`, "debug or info or warn or error"}},
		{name: "format", args: []string{"--log-format=xml"}, want: []string{"--log-format", `"xml"`, "json or text"}},
		{name: "file with a secret that is missing", args: []string{"--cluster-key-file=/does/not/exist"}, want: []string{"--cluster-key-file", `"/does/not/exist"`, "no such file"}},
		{name: "file with a short secret", env: []string{"GATEWAY_CLUSTER_KEY_FILE=" + writeFile(t, "hunter2\n")}, want: []string{"GATEWAY_CLUSTER_KEY_FILE", `"***"`, "16 bytes"}, not: "hunter2"},
		{name: "file with an empty secret", args: []string{"--cluster-key-file=" + writeFile(t, "\r\n")}, want: []string{"--cluster-key-file", "empty"}},
		{name: "file with a secret of its own size", args: []string{"--cluster-key-file=/dev/zero"}, want: []string{"--cluster-key-file", "longer than 65536 bytes"}},
		{name: "directory with a secret", args: []string{"--cluster-key-file=/"}, want: []string{"--cluster-key-file", "directory"}},
		{name: "secret twice", args: []string{"--cluster-key-file=testdata/cluster_key"}, env: []string{"GATEWAY_CLUSTER_KEY=hunter2hunter2hunter2"}, want: []string{"--cluster-key-file", "GATEWAY_CLUSTER_KEY", "not both"}, not: "hunter2"},
		{name: "password in place of a URL of Redis", file: "redis_url_file: " + writeFile(t, "hunter2"), want: []string{"redis_url_file", `"***"`, "rediss://"}, not: "hunter2"},
		{name: "short debug key", args: []string{"--debug-key=hunter2"}, want: []string{"--debug-key", `"***"`, "16 bytes"}, not: "hunter2"},
		{name: "debug key that no header bears", file: "debug_key_file: " + writeFile(t, "hunter2 hunter2 hunter2"), want: []string{"debug_key_file", `"***"`, "without spaces"}, not: "hunter2"},
		{name: "receiver of traces without scheme", args: []string{"--trace-endpoint=collector:4318"}, want: []string{"--trace-endpoint", `"collector:4318"`, "http://collector:4318"}},
		{name: "receiver of traces with a password", args: []string{"--trace-endpoint=http://user:hunter2@collector:4318"}, want: []string{"--trace-endpoint", "without user"}, not: "hunter2"},
		{name: "value of two lines", args: []string{"--log-format=x\nl"}, want: []string{"--log-format", `"x\nl"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := tt.args
			if tt.file != "" {
				args = append(args, "--config="+writeFile(t, tt.file))
			}
			var stdout, stderr bytes.Buffer
			ended, end := context.WithCancel(t.Context())
			end() // what is not refused must not serve
			if status := run(ended, args, tt.env, &stdout, &stderr); status != exitUsage {
				t.Errorf("exit status %d, want %d", status, exitUsage)
			}
			line := stderr.String()
			if strings.Count(line, "\n") != 1 || !strings.HasSuffix(line, "\n") || stdout.Len() > 0 {
				t.Errorf("want one line on stderr and none on stdout, got %q and %q", line, stdout.String())
			}
			for _, part := range tt.want {
				if !strings.Contains(line, part) {
					t.Errorf("%q does not name %q", line, part)
				}
			}
			if tt.not != "" && strings.Contains(line, tt.not) {
				t.Errorf("%q shows %q", line, tt.not)
			}
		})
	}
}

func TestVariablesOfKubernetesServicesAreNoSettings(t *testing.T) {
	for _, name := range []string{"GATEWAY_SERVICE_HOST", "GATEWAY_SERVICE_PORT", "GATEWAY_SERVICE_PORT_HTTP", "GATEWAY_PORT", "GATEWAY_PORT_3000_TCP", "GATEWAY_PORT_3000_TCP_ADDR", "GATEWAY_INTERNAL_PORT_9090_TCP_PROTO"} {
		if _, err := parse(nil, env(name, "tcp://10.0.0.1:3000"), io.Discard); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckConfigAndVersion(t *testing.T) {
	good := writeFile(t, "# nothing but defaults\n")
	for _, tt := range []struct {
		name   string
		args   []string
		env    []string
		status int
		stdout string
	}{
		{"good file", []string{"check-config", "--config", good}, nil, exitOK, "configuration ok\n"},
		{"bad variable", []string{"check-config", "--config", good}, []string{"GATEWAY_DEV=x"}, exitUsage, ""},
		{"version needs no configuration", []string{"version"}, []string{"GATEWAY_DEV=x"}, exitOK, versionLine() + "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout bytes.Buffer
			if status := run(t.Context(), tt.args, tt.env, &stdout, io.Discard); status != tt.status || stdout.String() != tt.stdout {
				t.Errorf("exit status %d and %q, want %d and %q", status, stdout.String(), tt.status, tt.stdout)
			}
		})
	}
}

// company is what a setting does not go without.
func company(flag string) sources {
	if flag == "redis-url" || flag == "redis-url-file" {
		return env("GATEWAY_CLUSTER_KEY", "a key for all nodes")
	}
	return sources{}
}

func env(name, value string) sources { return sources{environ: []string{name + "=" + value}} }

func writeFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gateway.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
