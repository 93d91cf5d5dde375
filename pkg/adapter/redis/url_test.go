package redis

import (
	"context"
	"crypto/tls"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/redistest"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

func TestURLsSayWhereRedisIs(t *testing.T) {
	for _, row := range []struct {
		url  string
		kind locationKind
		want string // user:password addresses master
	}{
		{"redis://h", oneServer, ": h:6379 "},
		{"redis://u:p%2C%40@h:1/2?read_timeout=5s", oneServer, "u:p,@ h:1 "},
		{"redis://:pa,ss@h:1", oneServer, ":pa,ss h:1 "},
		{"rediss://h:6380", oneServer, ": h:6380 "},
		{"unix:///run/a,b.sock", oneServer, ": /run/a,b.sock "},
		{"redis://u:p@a:1,redis://b:2,redis://[::1]:3", inCluster, "u:p a:1 b:2 [::1]:3 "},
		{"redis://u:p@a,b,c:3", inCluster, "u:p a:6379 b:6379 c:3 "},
		{"rediss://a:1, rediss://b:2", inCluster, ": a:1 b:2 "},
		{"redis+sentinel://a:1,b,[::1]/main", underSentinels, ": a:1 b:26379 [::1]:26379 main"},
		{"redis+sentinel://u:p%40@a:1,b:2/my%20main/3?read_timeout=5s&sentinel_password=x", underSentinels, "u:p@ a:1 b:2 my main"},
		{"rediss+sentinel://a/m", underSentinels, ": a:26379 m"},
	} {
		t.Run(row.url, func(t *testing.T) {
			l, err := parseURL(row.url)
			if err != nil {
				t.Fatal(err)
			}
			addresses := l.addresses
			if len(addresses) == 0 {
				addresses = []string{l.options.Addr}
			}
			got := l.options.Username + ":" + l.options.Password + " " + strings.Join(addresses, " ") + " " + l.master
			if l.kind != row.kind || got != row.want {
				t.Errorf("kind %d, %q, want %d, %q", l.kind, got, row.kind, row.want)
			}
			if secure := strings.HasPrefix(row.url, "rediss"); secure != (l.options.TLSConfig != nil) {
				t.Errorf("TLS: %v", l.options.TLSConfig != nil)
			}
			if l.options.MaxRetries != -1 {
				t.Error("what fails would be repeated")
			}
		})
	}
}

func TestBadURLIsRefusedWithoutItsPassword(t *testing.T) {
	for _, bad := range []string{
		"", "h:6379", "http://h", "redis://", "redis://:hunter2@", "redis://:hun/ter2%@h:x", "redis://:hunter2@h/?nonsense=1",
		"redis://:hunter2@a,http://b", "redis://:hunter2@a,", "redis://:hunter2@a/1,b", "redis://a,b/1", "unix://,redis://a",
		"redis+sentinel://:hunter2@a", "redis+sentinel://:hunter2@a/", "redis+sentinel:///m", "redis+sentinel://a/m?hunter2=1",
		"redis+sentinel://a/m/hunter2", "redis+sentinel://a/%zz", "redis+sentinel://a/m?%zz", "http+sentinel://a/m",
	} {
		err := CheckURL(bad)
		if err == nil {
			t.Errorf("%q was accepted", bad)
		} else if strings.Contains(err.Error(), "hunter2") && !strings.HasSuffix(bad, "hunter2=1") && !strings.HasSuffix(bad, "/hunter2") {
			t.Errorf("%q: %v", bad, err)
		}
		if _, err := OpenClient(bad); err == nil {
			t.Errorf("%q was opened", bad)
		}
	}
}

// The rights that a Redis user needs for each adapter. The classic one subscribes to a
// pattern, and Redis grants no pattern within another: it needs all channels.
const (
	classicRights = "allchannels -@all +ping +subscribe +unsubscribe +psubscribe +punsubscribe +publish +pubsub|numsub"
	shardedRights = "resetchannels &causeway* -@all +ping +subscribe +unsubscribe +publish +ssubscribe +sunsubscribe +spublish +pubsub|shardnumsub"
)

// Nodes whose user has only the rights that the adapters need reach each other over TLS, and
// over a socket of the file system.
func TestUserWithFewRightsOverTLSAndSocket(t *testing.T) {
	t.Parallel()
	const password = "hun,ter:2@/"
	socket := filepath.Join(t.TempDir(), "redis.sock")
	args := []string{"--unixsocket", socket}
	for user, rights := range map[string]string{"classic": classicRights, "sharded": shardedRights} {
		args = append(append(args, "--user", user, "on", ">"+password), strings.Fields(rights)...)
	}
	address, roots := redistest.StartTLS(t, args...)
	for name, cfg := range map[string]Config{
		"TLS":    {URL: "rediss://LOGIN" + address, TLS: &tls.Config{RootCAs: roots}},
		"socket": {URL: "unix://LOGIN" + socket},
	} {
		for user, mode := range map[string]SubscriptionMode{"classic": "", "sharded": Dynamic} {
			t.Run(user+" over "+name, func(t *testing.T) {
				cfg := cfg
				cfg.URL = strings.Replace(cfg.URL, "LOGIN", url.UserPassword(user, password).String()+"@", 1)
				cfg.Prefix, cfg.SubscriptionMode = "causeway"+redistest.Prefix(t), mode
				a, b := start(t, cfg, "aaaa"), start(t, cfg, "bbbb")
				a.join("/", "room")
				b.join("/", "room")
				a.emit(event("/", `["hello"]`, "room"))
				if got := string(b.next().Data); got != `["hello"]` {
					t.Errorf("got %s", got)
				}
				ctx, cancel := context.WithTimeout(t.Context(), waitLimit)
				defer cancel()
				if _, err := a.bus.FetchSockets(ctx, socketio.Target{Namespace: "/"}); err != nil {
					t.Error(err)
				}
				eventually(t, "probed", func() bool { return b.Stats().Probes > 0 })
			})
		}
	}
	for name, cfg := range map[string]Config{
		"wrong password":      {URL: "rediss://classic:wrong@" + address, TLS: &tls.Config{RootCAs: roots}},
		"unknown certificate": {URL: "rediss://classic:" + url.QueryEscape(password) + "@" + address},
	} {
		cfg.StartTimeout = time.Millisecond
		a, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Run(t.Context(), newTestNode("cccc")); err == nil || strings.Contains(err.Error(), "hun") {
			t.Errorf("%s: %v", name, err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
}
