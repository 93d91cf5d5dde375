package api

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func rawOf(arg any) json.RawMessage { return arg.(json.RawMessage) }

// I10: the same key at the same time, and again.
func TestSameIdempotencyKeyIsOneDeliveryWithOneAnswer(t *testing.T) {
	w := start(t, nil)
	a, b := w.connect(0, "/", `["a"]`), w.connect(1, "/", `["b"]`)
	const ask = `{"target":{"all":true},"event":"ask","ack_timeout_ms":10000}`
	replies := make([]reply, 20)
	var sending sync.WaitGroup
	for i := range replies {
		sending.Go(func() { replies[i] = w.post("emit", ask, "Idempotency-Key", "order-7") })
	}
	sending.Wait()
	again := w.post("emit", ask, "Idempotency-Key", "order-7")
	replayed := 0
	for _, r := range slices.Concat(replies, []reply{again}) {
		if string(r.body) != string(again.body) || r.status != http.StatusOK {
			t.Errorf("%d %s, and %d %s", r.status, r.body, again.status, again.body)
		}
		if r.header.Get("Idempotency-Replayed") == "true" {
			replayed++
		}
	}
	if replayed != 20 {
		t.Errorf("%d of 21 say that they are replays", replayed)
	}
	a.hears("ask()")
	b.hears("ask()")
	w.nothingElse(a, b)
	if got := w.counted(`gateway_api_idempotency_total{result="replayed"}`); got != "20" {
		t.Errorf("%s replays were counted", got)
	}
	if got := w.counted("gateway_api_idempotency_answers"); got != "1" {
		t.Errorf("%s answers are kept", got)
	}
}

func TestIdempotencyKeyOfAnotherRequestIsRefused(t *testing.T) {
	w := start(t, nil)
	c := w.connect(0, "/", "")
	w.post("emit", anEmit, "Idempotency-Key", "k").is(http.StatusOK, toCluster)
	w.post("emit", anEmit+" ", "Idempotency-Key", "k").problem(http.StatusUnprocessableEntity, "key-reused", "")
	w.post("emits", anEmit, "Idempotency-Key", "k").problem(http.StatusUnprocessableEntity, "key-reused", "")
	w.post("emit", anEmit, "Idempotency-Key", "k", "Authorization", "Bearer "+emitKey).is(http.StatusOK, toCluster) // of another API key
	c.hears("e()", "e()")
	w.nothingElse(c)
	if got := w.counted(`gateway_api_idempotency_total{result="reused"}`); got != "2" {
		t.Errorf("%s were counted", got)
	}
}

func TestRequestThatWasRefusedMayBeSentAgainWithItsKey(t *testing.T) {
	w := start(t, nil)
	w.post("emit", `{"target":{"all":true}}`, "Idempotency-Key", "k").problem(http.StatusBadRequest, "invalid", "event")
	w.post("emit", anEmit, "Idempotency-Key", "k").is(http.StatusOK, toCluster)
}

func TestIdempotencyKeysThatAreNone(t *testing.T) {
	w := start(t, nil)
	for _, id := range []string{"", "a b", strings.Repeat("x", 256), "é"} {
		w.post("emit", anEmit, "Idempotency-Key", id).problem(http.StatusBadRequest, "invalid", "Idempotency-Key")
	}
}

// A large answer is not kept, and what it answered is not done again.
func TestLargeAnswerIsNotKept(t *testing.T) {
	w := start(t, nil)
	c := w.connect(0, "/", `["`+strings.Repeat("x", maxAnswerBytes)+`"]`)
	const ask = `{"target":{"all":true},"event":"ask","ack_timeout_ms":10000}`
	if r := w.post("emit", ask, "Idempotency-Key", "k"); r.status != http.StatusOK || len(r.body) < maxAnswerBytes {
		t.Errorf("%d, %d bytes", r.status, len(r.body))
	}
	w.post("emit", ask, "Idempotency-Key", "k").problem(http.StatusConflict, "answer-not-kept", "")
	c.hears("ask()")
	w.nothingElse(c)
}

func newAnswers() (*answers, *metrics) {
	return &answers{byID: map[string]*kept{}}, newMetrics(&API{})
}

func TestAnswersAreForgottenAfterTheirTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, m := newAnswers()
		sum := sha256.Sum256(nil)
		k, first := a.begin("k", sum, m)
		if !first {
			t.Fatal("not the first")
		}
		a.end(k, answer{done: true}, m)
		time.Sleep(keepTime - time.Nanosecond)
		if _, first := a.begin("k", sum, m); first {
			t.Error("forgotten too early")
		}
		time.Sleep(time.Nanosecond)
		if _, first := a.begin("k", sum, m); !first {
			t.Error("kept too long")
		}
		if n, bytes := a.sizes(); n != 0 || bytes != 0 {
			t.Errorf("%d answers of %d bytes are left", n, bytes)
		}
	})
}

func TestAnswersAreBounded(t *testing.T) {
	for name, tt := range map[string]struct{ body, most int }{
		"in number": {10, maxKept},
		"in bytes":  {100_000, keptBytes / 100_000},
	} {
		t.Run(name, func(t *testing.T) {
			a, m := newAnswers()
			body := make([]byte, tt.body)
			for i := range tt.most + 100 {
				k, _ := a.begin(fmt.Sprint(i), sha256.Sum256(nil), m)
				a.end(k, answer{done: true, body: body}, m)
			}
			n, bytes := a.sizes()
			if n > tt.most || n < tt.most*9/10 || bytes > keptBytes || len(a.byID) != n {
				t.Errorf("%d answers of %d bytes", n, bytes)
			}
			if _, first := a.begin(fmt.Sprint(tt.most+99), sha256.Sum256(nil), m); first {
				t.Error("the last was forgotten")
			}
		})
	}
}
