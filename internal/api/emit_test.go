package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

func unmarshal(text string, into any) error { return json.Unmarshal([]byte(text), into) }

const toCluster = `{"reached":"cluster"}`

func TestEmitReachesItsTargetOnEveryNode(t *testing.T) {
	w := start(t, nil)
	a, b := w.connect(0, "/", "", "red", "user:ann"), w.connect(1, "/", "", "red")
	c := w.connect(1, "/", "", "blue", "user:ann")
	for i, tt := range []struct {
		target string
		to     []*client
	}{
		{`"target":{"rooms":["red"]}`, []*client{a, b}},
		{`"target":{"rooms":["red","blue"]},"namespace":"/"`, []*client{a, b, c}},
		{`"target":{"users":["ann"]}`, []*client{a, c}},
		{`"target":{"sockets":["` + b.id + `"]}`, []*client{b}},
		{`"target":{"rooms":["blue"],"sockets":["` + b.id + `"]}`, []*client{b, c}},
		{`"target":{"all":true}`, []*client{a, b, c}},
		{`"target":{"all":true},"except":{"users":["ann"]}`, []*client{b}},
		{`"target":{"all":true},"except":{"rooms":["blue"],"sockets":["` + a.id + `"]}`, []*client{b}},
	} {
		w.post("emit", fmt.Sprintf(`{%s,"event":"e","args":[%d]}`, tt.target, i)).is(http.StatusOK, toCluster)
		for _, to := range tt.to {
			to.hears(fmt.Sprintf("e(%d)", i))
		}
	}
	w.nothingElse(a, b, c)
}

func TestArgumentsArriveByteForByte(t *testing.T) {
	w := start(t, nil)
	here, there := w.connect(0, "/", ""), w.connect(1, "/", "")
	const odd = `1.0e+2,{"b" : 1 , "a":"é\u00e9\/\ud83d\ude00" },12345678901234567890.10,[ ],"<&>"`
	w.post("emit", `{"target":{"all":true},"event":"say \"hi\"","args":[`+odd+`],"volatile":true}`).is(http.StatusOK, toCluster)
	here.hears(`say "hi"(` + odd + `)`)
	there.hears(`say "hi"(` + odd + `)`)
}

func TestNamespaceNeedsNoClientOnTheNodeThatIsAsked(t *testing.T) {
	w := start(t, nil)
	c := w.connect(1, "/shop-7", `[1]`)
	w.post("emit", `{"namespace":"/shop-7","target":{"all":true},"event":"e"}`).is(http.StatusOK, toCluster)
	c.hears("e()")
	w.post("emit", `{"namespace":"/shop-7","target":{"all":true},"event":"e","ack_timeout_ms":10000}`).
		is(http.StatusOK, `{"reached":"cluster","complete":true,"acks":[{"args":[1]}],"missing":0}`)
}

func TestAcksAreGatheredFromAllNodes(t *testing.T) {
	w := start(t, nil)
	w.connect(0, "/", `[{"from": 0}]`)
	w.connect(1, "/", `[{"from": 1},null]`)
	var got gathered
	r := w.post("emit", `{"target":{"all":true},"event":"ask","ack_timeout_ms":10000}`)
	if err := json.Unmarshal(r.body, &got); err != nil || r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	acks := map[string]bool{}
	for _, a := range got.Acks {
		acks[string(a.Args)] = true
	}
	if !got.Complete || got.Missing != 0 || len(acks) != 2 || !acks[`[{"from":0}]`] || !acks[`[{"from":1},null]`] {
		t.Errorf("%s", r.body)
	}
}

func TestMissingAcksAreSaid(t *testing.T) {
	w := start(t, nil)
	w.connect(0, "/", `[1]`)
	w.connect(0, "/", ``)
	w.connect(1, "/", ``)
	var got gathered
	r := w.post("emit", `{"target":{"all":true},"event":"ask","ack_timeout_ms":200}`)
	if err := json.Unmarshal(r.body, &got); err != nil || r.status != http.StatusOK {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if got.Complete || got.Missing != 2 || len(got.Acks) != 1 {
		t.Errorf("%s", r.body)
	}
}

func TestBatchIsSentInOrderAndEachHasItsOutcome(t *testing.T) {
	w := start(t, nil)
	c := w.connect(1, "/", "", "red")
	r := w.post("emits", `{"emits":[
		{"target":{"rooms":["red"]},"event":"e","args":[1]},
		{"target":{"rooms":[""]},"event":"e","args":[2]},
		{"target":{"rooms":["red"]},"event":"disconnect"},
		{"target":{"rooms":["red"]},"event":"e","ack_timeout_ms":1},
		{"namespace":"/nowhere","target":{"all":true},"event":"e"},
		{"target":{"rooms":["red"]},"event":"e","args":[3]}
	]}`)
	var got outcomes
	if err := json.Unmarshal(r.body, &got); err != nil || r.status != http.StatusOK || len(got.Results) != 6 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	for i, field := range []string{"", "emits[1].target.rooms[0]", "emits[2].event", "emits[3].ack_timeout_ms", "namespace", ""} {
		switch o := got.Results[i]; {
		case field == "" && (o.Status != http.StatusOK || o.Reached != reachedCluster || o.Problem != nil):
			t.Errorf("%d: %+v", i, o)
		case field != "" && (o.Status != http.StatusBadRequest || o.Problem == nil || o.Problem.Field != field):
			t.Errorf("%d: %+v, want one about %s", i, o, field)
		}
	}
	c.hears("e(1)", "e(3)")
	w.nothingElse(c)
}

// The way to the other nodes being known to be broken, nothing is done: the request can be
// sent again.
func TestNothingIsDoneWhileTheClusterIsAway(t *testing.T) {
	w := start(t, nil)
	c := w.connect(0, "/", `[1]`, "red")
	why := "Redis is away"
	w.away.Store(&why)
	for route, body := range map[string]string{
		"emit":       `{"target":{"all":true},"event":"e","ack_timeout_ms":1000}`,
		"emits":      `{"emits":[{"target":{"all":true},"event":"e"}]}`,
		"join":       `{"target":{"all":true},"rooms":["blue"]}`,
		"leave":      `{"target":{"all":true},"rooms":["red"]}`,
		"disconnect": `{"target":{"all":true}}`,
	} {
		r := w.post(route, body, "Idempotency-Key", "k-"+route)
		if p := r.problem(http.StatusServiceUnavailable, "unavailable", ""); p.Reached != reachedNone || r.header.Get("Retry-After") == "" {
			t.Errorf("%s: %+v", route, p)
		}
	}
	w.nothingElse(c)
	w.away.Store(nil)
	w.post("emit", `{"target":{"all":true},"event":"e","ack_timeout_ms":10000}`, "Idempotency-Key", "k-emit")
	c.hears("e()")
	if rooms := w.nodes[0].Of("/").LocalRooms("", 9); len(rooms) != 1 || rooms[0].Name != "red" {
		t.Errorf("rooms are %v", rooms)
	}
}

// An emit that the way to the other nodes has not taken is no success, and is not done
// again for the same Idempotency-Key: this node's sockets have got it.
func TestEmitThatOnlyThisNodeGotIsNoSuccess(t *testing.T) {
	w := start(t, nil)
	c := w.connect(0, "/", "")
	w.adapter.fail(errBroken)
	const body = `{"target":{"all":true},"event":"e"}`
	for range 2 {
		if p := w.post("emit", body, "Idempotency-Key", "k").problem(http.StatusServiceUnavailable, "unavailable", ""); p.Reached != reachedNode {
			t.Errorf("%+v", p)
		}
	}
	c.hears("e()")
	r := w.post("emits", `{"emits":[`+body+`]}`)
	var got outcomes
	if err := json.Unmarshal(r.body, &got); err != nil || got.Results[0].Status != http.StatusServiceUnavailable || got.Results[0].Reached != reachedNode {
		t.Errorf("%d %s", r.status, r.body)
	}
	c.hears("e()")
	w.nothingElse(c)
}

// TestEmitThatMayBeInTheHistoryIsNoSuccess: in a namespace with recovery nobody has got what Redis
// may not have.
func TestEmitThatMayBeInTheHistoryIsNoSuccess(t *testing.T) {
	w := start(t, func(c *Config) { c.Recorded = func(namespace string) bool { return namespace == "/" } })
	w.adapter.fail(errBroken)
	for _, tt := range []struct{ namespace, more, want string }{
		{"/", ``, reachedUnknown},
		{"/", `,"volatile":true`, reachedNode},
		{"/shop", ``, reachedNode},
	} {
		body := `{"namespace":"` + tt.namespace + `","target":{"all":true},"event":"e"` + tt.more + `}`
		if p := w.post("emit", body).problem(http.StatusServiceUnavailable, "unavailable", ""); p.Reached != tt.want {
			t.Errorf("%s: %+v, want %s", body, p, tt.want)
		}
	}
}

func TestQuestionThatOtherNodesWereNotAskedIsNoSuccess(t *testing.T) {
	w := start(t, nil)
	c := w.connect(0, "/", `[1]`, "red")
	w.adapter.fail(errBroken)
	for route, body := range map[string]string{
		"emit":       `{"target":{"rooms":["red"]},"event":"ask","ack_timeout_ms":10000}`,
		"join":       `{"target":{"rooms":["red"]},"rooms":["blue"]}`,
		"leave":      `{"target":{"rooms":["blue"]},"rooms":["blue"]}`,
		"disconnect": `{"target":{"rooms":["none"]}}`,
	} {
		if p := w.post(route, body).problem(http.StatusServiceUnavailable, "unavailable", ""); p.Reached != reachedNode {
			t.Errorf("%s: %+v", route, p)
		}
	}
	c.hears("ask()")
	w.adapter.fail(&socketio.PartialError{Answered: 1, Expected: 2, MissingAcks: 3, Err: errBroken})
	w.post("emit", `{"target":{"rooms":["red"]},"event":"ask","ack_timeout_ms":10000}`).
		is(http.StatusOK, `{"reached":"cluster","complete":false,"acks":[{"args":[1]}],"missing":3,"nodes":{"answered":2,"expected":3}}`)
}
