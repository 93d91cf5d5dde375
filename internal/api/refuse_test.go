package api

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const anEmit = `{"target":{"all":true},"event":"e"}`

// I1: no key, a wrong one, one in the address, one for other things, one of another tenant.
func TestKeysThatAreNotLetIn(t *testing.T) {
	w := start(t, nil)
	c := w.connect(0, "/", "")
	const plain = "application/json"
	for _, tt := range []struct {
		name, route, body string
		headers           []string
		status            int
		kind, field, key  string
	}{
		{"none", "emit", anEmit, nil, 401, "unauthorized", "", "none"},
		{"wrong", "emit", anEmit, []string{"Authorization", "Bearer 0123456789abcdef-alk"}, 401, "unauthorized", "", "none"},
		{"empty", "emit", anEmit, []string{"Authorization", "Bearer "}, 401, "unauthorized", "", "none"},
		{"beginning of one", "emit", anEmit, []string{"Authorization", "Bearer 0123456789abcdef"}, 401, "unauthorized", "", "none"},
		{"other scheme", "emit", anEmit, []string{"Authorization", "Basic " + allKey}, 401, "unauthorized", "", "none"},
		{"in the address", "emit?key=" + allKey + "&access_token=" + allKey, anEmit, nil, 401, "unauthorized", "", "none"},
		{"in the body", "emit", `{"key":"` + allKey + `"}`, nil, 401, "unauthorized", "", "none"},
		{"for other things", "drain", "", []string{"Authorization", "Bearer " + emitKey}, 403, "forbidden", "", "emitter"},
		{"for other things too", "join", "{}", []string{"Authorization", "Bearer " + emitKey}, 403, "forbidden", "", "emitter"},
		{"of another tenant", "emit", anEmit, []string{"Authorization", "Bearer " + shopKey}, 403, "forbidden", "namespace", "shop"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			route, _, _ := strings.Cut(tt.route, "?")
			series := fmt.Sprintf(`gateway_api_requests_total{code="%d",route="%s"}`, tt.status, route)
			byKey := fmt.Sprintf(`gateway_api_key_requests_total{class="4xx",key="%s"}`, tt.key)
			before, beforeByKey := w.counted(series), w.counted(byKey)
			r := w.send(http.MethodPost, tt.route, tt.body, append(tt.headers, "Content-Type", plain)...)
			r.problem(tt.status, tt.kind, tt.field)
			if got := r.header.Get("WWW-Authenticate"); (got != "") != (tt.status == 401) {
				t.Errorf("WWW-Authenticate: %q", got)
			}
			if w.counted(series) == before || w.counted(byKey) == beforeByKey {
				t.Errorf("it was not counted as %s and %s", series, byKey)
			}
		})
	}
	w.nothingElse(c)
	if log := w.log.String(); strings.Contains(log, "0123456789abcdef") || !strings.Contains(log, "api key refused") {
		t.Errorf("the log shows a key, or no refusal: %s", log)
	}
}

func TestTenantKeepsToItsNamespace(t *testing.T) {
	w := start(t, nil)
	c := w.connect(1, "/shop", "")
	w.post("emit", `{"namespace":"/shop","target":{"all":true},"event":"e"}`, "Authorization", "Bearer "+shopKey).is(http.StatusOK, toCluster)
	c.hears("e()")
	for _, query := range []string{"sockets?all=true", "rooms", "rooms?namespace=/shop-2"} {
		w.get(query, "Authorization", "Bearer "+shopKey).problem(http.StatusForbidden, "forbidden", "namespace")
	}
}

// I7 and whatever else a body can have wrong. What the document can say of it, it says too.
func TestBodiesThatAreRefused(t *testing.T) {
	w := start(t, nil)
	c := w.connect(0, "/", "", "red")
	long := strings.Repeat("x", 257)
	many := strings.Repeat(`"x",`, 1000) + `"x"`
	for _, tt := range []struct {
		name, route, body, field string
		unsaid                   bool // by the document
	}{
		{name: "empty", route: "emit", body: ""},
		{name: "not JSON", route: "emit", body: `{"target"`},
		{name: "not JSON within", route: "emit", body: `{"target":{"all":tru}}`},
		{name: "no object", route: "emit", body: `[1]`},
		{name: "null", route: "emit", body: `null`},
		{name: "two objects", route: "emit", body: anEmit + anEmit},
		{name: "something behind it", route: "emit", body: anEmit + "x"},
		{name: "not UTF-8", route: "emit", body: "{\"target\":{\"all\":true},\"event\":\"\xff\"}", unsaid: true},
		{name: "too deep", route: "emit", body: `{"target":{"all":true},"event":"e","args":[` + strings.Repeat("[", 127) + strings.Repeat("]", 127) + `]}`, unsaid: true},
		{name: "very deep", route: "emit", body: strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000)},
		{name: "unknown member", route: "emit", body: `{"target":{"all":true},"event":"e","evnet":"e"}`, field: "evnet"},
		{name: "member in other letters", route: "emit", body: `{"Target":{"all":true},"event":"e"}`, field: "target"},
		{name: "unknown member within", route: "emit", body: `{"target":{"all":true,"room":"x"},"event":"e"}`, field: "target.room"},
		{name: "member with a long name", route: "emit", body: `{"target":{"all":true},"event":"e","` + long + `":1}`, field: strings.Repeat("x", 64) + "…"},
		{name: "member twice", route: "emit", body: `{"target":{"all":true},"event":"e","event":"f"}`, field: "event", unsaid: true},
		{name: "no target", route: "emit", body: `{"event":"e"}`, field: "target"},
		{name: "empty target", route: "emit", body: `{"target":{},"event":"e"}`, field: "target", unsaid: true},
		{name: "no rooms", route: "disconnect", body: `{"target":{"rooms":[]}}`, field: "target", unsaid: true},
		{name: "all and rooms", route: "emit", body: `{"target":{"all":true,"rooms":["red"]},"event":"e"}`, field: "target", unsaid: true},
		{name: "target null", route: "emit", body: `{"target":null,"event":"e"}`, field: "target"},
		{name: "all null", route: "emit", body: `{"target":{"all":null,"rooms":["red"]},"event":"e"}`, field: "target.all"},
		{name: "all in except", route: "emit", body: `{"target":{"all":true},"except":{"all":true},"event":"e"}`, field: "except.all"},
		{name: "room is a number", route: "emit", body: `{"target":{"rooms":["red",1]},"event":"e"}`, field: "target.rooms[1]"},
		{name: "room is empty", route: "emit", body: `{"target":{"rooms":[""]},"event":"e"}`, field: "target.rooms[0]"},
		{name: "room is long", route: "emit", body: `{"target":{"rooms":["` + long + `"]},"event":"e"}`, field: "target.rooms[0]"},
		{name: "room of 900 KB", route: "emit", body: `{"target":{"rooms":["` + strings.Repeat("x", 900_000) + `"]},"event":"e"}`, field: "target.rooms[0]"},
		{name: "user is long", route: "emit", body: `{"target":{"users":["` + long[:252] + `"]},"event":"e"}`, field: "target.users[0]", unsaid: true},
		{name: "too many rooms", route: "emit", body: `{"target":{"rooms":[` + many + `]},"event":"e"}`, field: "target.rooms"},
		{name: "too many names", route: "emit", body: `{"target":{"rooms":["x"]},"except":{"users":[` + many[4:] + `]},"event":"e"}`, field: "target", unsaid: true},
		{name: "rooms are a text", route: "emit", body: `{"target":{"rooms":"red"},"event":"e"}`, field: "target.rooms"},
		{name: "no event", route: "emit", body: `{"target":{"all":true}}`, field: "event"},
		{name: "event is a number", route: "emit", body: `{"target":{"all":true},"event":1}`, field: "event"},
		{name: "event is empty", route: "emit", body: `{"target":{"all":true},"event":""}`, field: "event"},
		{name: "event of 900 KB", route: "emit", body: `{"target":{"all":true},"event":"` + strings.Repeat("x", 900_000) + `"}`, field: "event"},
		{name: "event is reserved", route: "emit", body: `{"target":{"all":true},"event":"disconnect"}`, field: "event", unsaid: true},
		{name: "reserved event with acks", route: "emit", body: `{"target":{"all":true},"event":"connect","ack_timeout_ms":9}`, field: "event", unsaid: true},
		{name: "namespace without slash", route: "emit", body: `{"namespace":"shop","target":{"all":true},"event":"e"}`, field: "namespace"},
		{name: "namespace is long", route: "emit", body: `{"namespace":"/` + long + `","target":{"all":true},"event":"e"}`, field: "namespace"},
		{name: "namespace that is not served", route: "emit", body: `{"namespace":"/nowhere","target":{"all":true},"event":"e"}`, field: "namespace", unsaid: true},
		{name: "args are an object", route: "emit", body: `{"target":{"all":true},"event":"e","args":{}}`, field: "args"},
		{name: "too many args", route: "emit", body: `{"target":{"all":true},"event":"e","args":[` + many + `]}`, field: "args"},
		{name: "volatile is a text", route: "emit", body: `{"target":{"all":true},"event":"e","volatile":"yes"}`, field: "volatile"},
		{name: "no time", route: "emit", body: `{"target":{"all":true},"event":"e","ack_timeout_ms":0}`, field: "ack_timeout_ms"},
		{name: "too much time", route: "emit", body: `{"target":{"all":true},"event":"e","ack_timeout_ms":60001}`, field: "ack_timeout_ms"},
		{name: "part of a millisecond", route: "emit", body: `{"target":{"all":true},"event":"e","ack_timeout_ms":1.5}`, field: "ack_timeout_ms"},
		{name: "time beyond all numbers", route: "emit", body: `{"target":{"all":true},"event":"e","ack_timeout_ms":1e400}`, field: "ack_timeout_ms"},
		{name: "no emits", route: "emits", body: `{}`, field: "emits"},
		{name: "empty batch", route: "emits", body: `{"emits":[]}`, field: "emits"},
		{name: "large batch", route: "emits", body: `{"emits":[` + strings.Repeat(anEmit+",", 100) + anEmit + `]}`, field: "emits"},
		{name: "nothing to join", route: "join", body: `{"target":{"all":true}}`, field: "rooms"},
		{name: "no rooms to leave", route: "leave", body: `{"target":{"all":true},"rooms":[]}`, field: "rooms"},
		{name: "empty room to join", route: "join", body: `{"target":{"all":true},"rooms":[""]}`, field: "rooms[0]"},
		{name: "close is a number", route: "disconnect", body: `{"target":{"all":true},"close_connections":1}`, field: "close_connections"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			series := fmt.Sprintf(`gateway_api_requests_total{code="400",route="%s"}`, tt.route)
			before := w.counted(series)
			r := w.post(tt.route, tt.body)
			r.problem(http.StatusBadRequest, "invalid", tt.field)
			if len(r.body) > 1000 {
				t.Errorf("an answer of %d bytes", len(r.body))
			}
			if w.counted(series) == before {
				t.Error("it was not counted")
			}
			if theDocument().refuses(tt.route, tt.body) == tt.unsaid {
				t.Errorf("the document refuses it: %v", !tt.unsaid)
			}
		})
	}
	w.nothingElse(c)
}

func TestDepthThatClientsMayHaveIsTaken(t *testing.T) {
	w := start(t, nil)
	c := w.connect(1, "/", "")
	deep := strings.Repeat("[", 126) + `"[{\"[[["` + strings.Repeat("]", 126)
	w.post("emit", `{"target":{"all":true},"event":"e","args":[`+deep+`]}`).is(http.StatusOK, toCluster)
	c.hears("e(" + deep + ")")
}

func TestQueriesThatAreRefused(t *testing.T) {
	w := start(t, nil)
	for query, field := range map[string]string{
		"sockets":                   "room",
		"sockets?all=true&room=red": "room",
		"sockets?all=yes":           "all",
		"sockets?room=":             "room",
		"sockets?user=" + strings.Repeat("x", 252):           "user",
		"sockets?room=a" + strings.Repeat("&room=a", 1000):   "room",
		"sockets?all=true&limit=0":                           "limit",
		"sockets?all=true&limit=1001":                        "limit",
		"sockets?all=true&limit=ten":                         "limit",
		"sockets?all=true&limit=1&limit=2":                   "limit",
		"sockets?all=true&namespace=shop":                    "namespace",
		"sockets?all=true&namespace=/nowhere":                "namespace",
		"sockets?all=true&after=" + strings.Repeat("x", 257): "after",
		"sockets?all=true&key=" + allKey:                     "key",
		"rooms?prefix=x":                                     "prefix",
		"rooms?limit=%zz":                                    "",
		"nodes?all=true":                                     "all",
	} {
		w.get(query).problem(http.StatusBadRequest, "invalid", field)
	}
	w.post("emit?volatile=true", anEmit).problem(http.StatusBadRequest, "invalid", "")
}

func TestMediaTypesThatAreRefused(t *testing.T) {
	w := start(t, nil)
	for _, headers := range [][]string{
		{"Content-Type", "application/x-www-form-urlencoded"}, {"Content-Type", "text/plain"}, {"Content-Type", ""}, {"Content-Encoding", "gzip"},
	} {
		w.post("emit", anEmit, headers...).problem(http.StatusUnsupportedMediaType, "wrong-type", "")
	}
	w.post("emit", anEmit, "Content-Type", "Application/JSON; charset=utf-8").is(http.StatusOK, toCluster)
}

func FuzzBody(f *testing.F) {
	for _, seed := range []string{
		anEmit, `{"target":{"rooms":["a"],"users":["b"],"sockets":["c"]},"except":{"rooms":["d"]},"event":"e","args":[1,"x",{"a":[]}],"volatile":true,"ack_timeout_ms":5}`,
		`{"target":{"all":true},"event":"\ud800","args":[1e999]}`, `{"target"`, `[[[`, "", `{"a":1}{}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		d := &decoder{maxName: 256}
		e := d.body(body).emission(true)
		if d.problem != nil {
			if d.problem.Status != http.StatusBadRequest || len(d.problem.Detail) > 500 || len(d.problem.Field) > 200 {
				t.Errorf("%+v", d.problem)
			}
			return
		}
		if e.event == "" || !strings.HasPrefix(e.namespace, "/") || len(e.rooms)+len(e.except) > maxItems || e.ackTimeout < 0 {
			t.Errorf("%q: %+v", body, e)
		}
		for _, arg := range e.args {
			if raw := string(rawOf(arg)); !bytes.Contains(body, []byte(raw)) {
				t.Errorf("%q is not in %q", raw, body)
			}
		}
	})
}
