package gateway

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/causeway-rt/causeway/internal/redistest"
)

// receiver keeps what is sent to it.
type receiver struct {
	*httptest.Server
	mu  sync.Mutex
	got bytes.Buffer // guarded by mu
}

func startReceiver(t *testing.T) *receiver {
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		_, _ = io.Copy(&r.got, req.Body)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) has(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return bytes.Contains(r.got.Bytes(), []byte(text))
}

func TestLifeOfAnEventIsTraced(t *testing.T) {
	t.Setenv("OTEL_TRACES_SAMPLER", "always_on")
	for name, redis := range map[string]bool{"alone": false, "cluster": true} {
		t.Run(name, func(t *testing.T) {
			traces := startReceiver(t)
			cfg := Config{Dev: true, TraceEndpoint: traces.URL}
			if redis {
				cfg.RedisURL, cfg.RedisPrefix = redistest.Start(t), redistest.Prefix(t)
			}
			w := start(t, cfg, nil)
			if redis {
				w.until(w.internal+"/readyz", 200, `"redis":"ok"`)
			}
			a, b := w.join("living room"), w.join("living room")
			a.send(`421["publish","living room","lamp",1]`)
			a.expect(`431[{"ok":true}]`)
			b.expect(`42["lamp",1]`)
			a.ws.CloseNow() // or the drain would wait for them
			b.ws.CloseNow()
			w.stop()
			if err := <-w.done; err != nil {
				t.Error(err)
			}
			w.done <- nil
			for _, span := range []string{"handshake", "emit", "publish", "deliver"} {
				if !traces.has(span) {
					t.Errorf("no span %s", span)
				}
			}
			if traces.has("living room") || traces.has("lamp") {
				t.Error("the traces show what clients send")
			}
		})
	}
}

func TestWithoutTracesNothingIsInTheWay(t *testing.T) {
	w := start(t, Config{Dev: true, RedisURL: redistest.Start(t), RedisPrefix: redistest.Prefix(t)}, nil)
	if w.tracer != nil || w.adapter() != w.bus.adapter {
		t.Errorf("tracer %v, adapter %T", w.tracer, w.adapter())
	}
	alone := start(t, Config{Dev: true}, nil)
	if alone.adapter() != nil {
		t.Errorf("adapter %T", alone.adapter())
	}
}
