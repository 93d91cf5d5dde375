package gateway

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/causeway-rt/causeway/internal/redistest"
)

// TestSecretsAreShownNowhere: not in the log at its most talkative, with a Redis that is
// there and one that is not, nor in metrics, health or the line for people.
func TestSecretsAreShownNowhere(t *testing.T) {
	nobody := loopback(t)
	nobody.Close()
	there := strings.TrimPrefix(redistest.Start(t), "redis://")
	for name, url := range map[string]string{
		"away":           "redis://gateway:pass-hunter2@" + nobody.Addr().String() + "/0",
		"wrong password": "redis://gateway:pass-hunter2@" + there,
		"no URL":         "redis://gateway:pass-hunter2@" + there + "?pass=hunter2",
	} {
		t.Run(name, func(t *testing.T) {
			cfg := withTokens(nil)
			cfg.RedisURL, cfg.RedisPrefix, cfg.ClusterKey = url, redistest.Prefix(t), "cluster-hunter2-cluster"
			cfg.Access.Keys[0].Secret = "token-hunter2-token-hunter2-token"
			cfg.LogLevel = slog.LevelDebug
			if name == "no URL" {
				_, err := newGateway(cfg)
				if err == nil || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("%v", err)
				}
				return
			}
			w := start(t, cfg, nil)
			c := w.dial()
			c.send(`40{"token":"client-hunter2"}`)
			w.until(w.internal+"/readyz", http.StatusServiceUnavailable, `"redis":`)
			_, ready := w.get(w.internal + "/readyz")
			_, metrics := w.get(w.internal + "/metrics")
			w.stop()
			if err := <-w.done; err != nil {
				t.Log(err)
			}
			for where, text := range map[string]string{"log": w.log.String(), "metrics": metrics, "readyz": ready, "line": w.stdout.String()} {
				if text == "" || strings.Contains(text, "hunter2") {
					t.Errorf("%s: %s", where, text)
				}
			}
		})
	}
}
