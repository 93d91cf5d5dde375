package gateway

import (
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/peer"
	"github.com/causeway-rt/causeway/internal/redistest"
	"github.com/causeway-rt/causeway/pkg/adapter/redis"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

func TestNodeWithoutRedisStaysReadyForAWhile(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const grace = 30 * time.Second
	for _, tt := range []struct {
		name  string
		stats redis.Stats
		state string
		ready bool
	}{
		{"never reached", redis.Stats{}, "connecting", false},
		{"never reached, and tried to publish", redis.Stats{PublishDownSince: now}, "connecting", false},
		{"connected", redis.Stats{Connected: true, ConnectedSince: now, CanPublish: true}, "ok", true},
		{"gone for a moment", redis.Stats{CanPublish: true, DownSince: now.Add(-grace + time.Second)}, "reconnecting", true},
		{"gone for good", redis.Stats{CanPublish: true, DownSince: now.Add(-grace)}, "away", false},
		{"takes nothing for a moment", redis.Stats{Connected: true, PublishDownSince: now.Add(-time.Second)}, "reconnecting", true},
		{"takes nothing for long", redis.Stats{Connected: true, PublishDownSince: now.Add(-grace)}, "away", false},
		{"took nothing before it was gone", redis.Stats{DownSince: now, PublishDownSince: now.Add(-grace)}, "away", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if state, ready := redisState(tt.stats, now, grace); state != tt.state || ready != tt.ready {
				t.Errorf("%q, ready %v, want %q, %v", state, ready, tt.state, tt.ready)
			}
		})
	}
}

// What a node does by itself when others have started before it.
func TestManyNodesHearPrivateRoomsWithoutPatterns(t *testing.T) {
	cfg := clusterConfig(t)
	client, err := redis.OpenClient(cfg.RedisURL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	store := peer.NewRedis(client, cfg.RedisPrefix)
	for before := 1; before <= mostPatterns; before++ {
		if _, err := peer.Join(t.Context(), peer.Config{Store: store}); err != nil {
			t.Fatal(err)
		}
		for setting, want := range map[string]bool{
			"": before+1 > mostPatterns, PrivateRoomsAuto: before+1 > mostPatterns,
			PrivateRoomsPattern: false, PrivateRoomsExact: true,
		} {
			if before < mostPatterns-1 {
				continue
			}
			cfg.PrivateRooms = setting
			g, err := newGateway(cfg)
			if err != nil {
				t.Fatal(err)
			}
			if got := g.bus.adapter.(socketio.PrivateRoomsAdapter).PrivateRooms(); got != want {
				t.Errorf("with %d others and %q: exact %v", before, setting, got)
			}
			if err := g.sockets.Close(t.Context()); err != nil {
				t.Error(err)
			}
			g.close()
		}
	}
	if privateRooms(PrivateRoomsAuto, 0) != redis.Exact {
		t.Error("a node that does not know how many there are has a pattern")
	}
}

func TestNodesShareRooms(t *testing.T) {
	for name, where := range map[string]func() Config{
		"classic": func() Config { return Config{RedisURL: redistest.Start(t)} },
		"classic, Sentinel, private rooms": func() Config {
			return Config{RedisURL: redistest.StartSentinels(t).URL(), PrivateRooms: PrivateRoomsExact}
		},
		"sharded": func() Config { return Config{RedisURL: redistest.Start(t), Adapter: AdapterSharded} },
		"sharded, Redis Cluster, private rooms": func() Config {
			return Config{RedisURL: redistest.StartCluster(t, 3, false).URL(), Adapter: AdapterSharded, SubscriptionMode: "dynamic-private"}
		},
	} {
		t.Run(name, func(t *testing.T) { nodesShareRooms(t, where()) })
	}
}

func nodesShareRooms(t *testing.T, cfg Config) {
	cfg.Dev, cfg.RedisPrefix = true, redistest.Prefix(t)
	nodes := []*world{start(t, cfg, nil), start(t, cfg, nil), start(t, cfg, nil)}
	for _, w := range nodes {
		w.until(w.internal+"/readyz", 200, `"redis":"ok"`)
	}
	_, opened := nodes[0].ask("GET", nodes[0].handshake(), "")
	if sid := sidForm.FindStringSubmatch(opened); sid == nil {
		t.Errorf("handshake: %q", opened)
	} else if resp, body := nodes[1].ask("POST", nodes[1].handshake()+"&sid="+sid[1], "40"); resp.StatusCode != 200 {
		t.Errorf("POST through another node: %s %q", resp.Status, body)
	}
	publisher, far, farther := nodes[0].join("tea"), nodes[1].join("tea"), nodes[2].join("tea")
	leaver, stranger := nodes[1].join("tea"), nodes[2].join("coffee")
	leaver.send(`421["leave","tea"]`)
	leaver.expect(`431[{"ok":true}]`)

	publisher.send(`451-1["publish","tea","poured",1.0,{"_placeholder":true,"num":0}]`, []byte("milk"))
	publisher.expect(`431[{"ok":true}]`)
	for _, c := range []*client{far, farther} {
		got, err := c.next()
		if err != nil || got != `451-["poured",1.0,{"_placeholder":true,"num":0}]` && got != `451-["poured",1,{"_placeholder":true,"num":0}]` {
			t.Fatalf("got %q, %v", got, err)
		}
		c.expect("milk")
	}
	// What comes next at those who should not have heard is what they did themselves.
	for _, c := range []*client{leaver, stranger} {
		c.send(`422["join","end"]`)
		c.expect(`432[{"ok":true}]`)
	}

	// The publisher hears from Redis after the receivers have.
	for _, line := range []string{"gateway_adapter_connected 1", "gateway_adapter_published_total 1", "gateway_adapter_publish_duration_seconds_count 1",
		"gateway_adapter_questions 0", "gateway_adapter_questions_refused_total 0", "gateway_adapter_acks_given_up_total 0",
		"gateway_adapter_stray_probes_total 0", `gateway_adapter_answers_total{kind="given"} 0`} {
		nodes[0].until(nodes[0].internal+"/metrics", 200, "\n"+line+"\n")
	}
	nodes[1].until(nodes[1].internal+"/metrics", 200, "\ngateway_emits_heard_total 1\n")
}

func TestNodeServesItsOwnClientsWhileRedisIsAway(t *testing.T) {
	faulty := redistest.StartFaulty(t)
	patient := start(t, Config{Dev: true, RedisURL: faulty.URL(), RedisPrefix: redistest.Prefix(t)}, nil)
	hasty := start(t, Config{Dev: true, RedisURL: faulty.URL(), RedisPrefix: redistest.Prefix(t), RedisGrace: time.Millisecond}, nil)
	for _, w := range []*world{patient, hasty} {
		w.until(w.internal+"/readyz", 200, `"redis":"ok"`)
	}
	a, b := patient.join("r"), patient.join("r")

	faulty.Stop()
	patient.until(patient.internal+"/readyz", 200, `"redis":"reconnecting"`)
	hasty.until(hasty.internal+"/readyz", 503, `"redis":"away"`)
	hasty.until(hasty.internal+"/livez", 200, "ok")
	a.send(`421["publish","r","still here"]`)
	a.expect(`431[{"ok":true}]`)
	b.expect(`42["still here"]`)

	faulty.Restart()
	for _, w := range []*world{patient, hasty} {
		w.until(w.internal+"/readyz", 200, `"redis":"ok"`)
	}
	if !strings.Contains(patient.log.String(), "gap") {
		t.Errorf("the log does not tell of the gap: %s", patient.log)
	}
}

func TestNodeThatNeverReachedRedisIsNotReady(t *testing.T) {
	faulty := redistest.StartFaulty(t)
	faulty.Stop()
	w := start(t, Config{RedisURL: faulty.URL(), RedisPrefix: redistest.Prefix(t)}, nil)
	w.until(w.internal+"/readyz", 503, `"redis":"connecting"`)
	w.until(w.internal+"/livez", 200, "ok")
	w.stop()
	select {
	case err := <-w.done:
		if err != nil {
			t.Errorf("run returned %v", err)
		}
	case <-time.After(patience):
		t.Fatal("a node without Redis can't be stopped")
	}
}
