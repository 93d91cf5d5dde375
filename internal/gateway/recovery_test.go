package gateway

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/causeway-rt/causeway/internal/access"
	"github.com/causeway-rt/causeway/internal/redistest"
)

var offsetAtTheEnd = regexp.MustCompile(`,"\d+-\d+"\]$`)

// expectRecorded is expect for an event with an offset behind its arguments.
func (c *client) expectRecorded(want string) {
	c.t.Helper()
	got, err := c.next()
	at := offsetAtTheEnd.FindStringIndex(got)
	if err != nil || at == nil || got[:at[0]]+"]" != want {
		c.t.Fatalf("got %q, %v, want %q with an offset", got, err, want)
	}
}

// admitted is the answer to a CONNECT.
type admitted struct{ SID, PID string }

// connectWith joins "/" with an auth object.
func (w *world) connectWith(auth string) (*client, admitted) {
	w.t.Helper()
	c := w.dial()
	c.send("40" + auth)
	var a admitted
	if err := json.Unmarshal([]byte(c.expectPrefix("40")[2:]), &a); err != nil || a.SID == "" {
		w.t.Fatalf("%+v, %v", a, err)
	}
	c.id = a.SID
	return c, a
}

func (w *world) joins(c *client, room string) {
	w.t.Helper()
	c.send(`420["join","` + room + `"]`)
	c.expect(`430[{"ok":true}]`)
}

var aMinute = Recovery{Window: time.Minute}

func TestPublishedEventsHaveOffsetsAndAnswersInOrder(t *testing.T) {
	for name, cfg := range map[string]Config{
		"alone":      {Dev: true, Recovery: aMinute},
		"with Redis": {Dev: true, Recovery: aMinute, RedisURL: redistest.Start(t), RedisPrefix: redistest.Prefix(t)},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, cfg, nil)
			w.until(w.internal+"/readyz", 200, "")
			publisher, _ := w.connectWith("")
			member, _ := w.connectWith("")
			w.joins(publisher, "tea")
			w.joins(member, "tea")
			for _, n := range []string{"1", "2", "3"} {
				publisher.send(`42` + n + `["publish","tea","poured",` + n + `,"cup"]`)
			}
			for _, n := range []string{"1", "2", "3"} {
				member.expectRecorded(`42["poured",` + n + `,"cup"]`)
				publisher.expect(`43` + n + `[{"ok":true}]`)
			}
		})
	}
}

// What Redis has not taken has reached nobody, and its publisher is told.
func TestPublishThatRedisDoesNotTakeIsUnavailable(t *testing.T) {
	redis := redistest.StartOwn(t)
	w := start(t, Config{Dev: true, Recovery: aMinute, RedisURL: redis.URL(), RedisPrefix: redistest.Prefix(t)}, nil)
	w.until(w.internal+"/readyz", 200, `"redis":"ok"`)
	publisher, _ := w.connectWith("")
	member, _ := w.connectWith("")
	w.joins(member, "tea")
	redis.Kill()
	publisher.send(`421["publish","tea","poured",1]`)
	publisher.expect(`431[{"ok":false,"error":"unavailable"}]`)
	if n := w.relay.counts[relayPublish][relayUnavailable].Load(); n != 1 {
		t.Errorf("counted %d, want 1", n)
	}
	redis.Restart()
	w.await("the node to be well", func() bool { s := w.bus.adapter.Stats(); return s.CanPublish && s.Connected })
	if got, err := member.next(); err == nil { // Redis kept nothing: it is announced
		t.Errorf("the member of a namespace whose history is gone got %q", got)
	}
	again, _ := w.connectWith("")
	w.joins(again, "tea")
	publisher, _ = w.connectWith("")
	publisher.send(`422["publish","tea","poured",2]`)
	publisher.expect(`432[{"ok":true}]`)
	again.expectRecorded(`42["poured",2]`)
}

// A session is given back to who has a token of the same user with the same grants.
func TestSessionComesBackToItsUserOnly(t *testing.T) {
	cfg := withTokens(nil)
	cfg.Recovery = aMinute
	w := start(t, cfg, nil)
	auth := func(token, pid string) string {
		text, err := json.Marshal(map[string]string{"token": token, "pid": pid})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	ann := func(id string, rooms ...string) string {
		return tokenFor(t, "ann", jwt.MapClaims{"jti": id, "rooms": rooms})
	}
	c, first := w.connectWith(auth(ann("1", "a"), ""))
	c.ws.CloseNow()
	w.await("the socket to end", func() bool { return w.connected.Load() == 0 })

	for name, token := range map[string]string{"another user": tokenFor(t, "bob", jwt.MapClaims{"rooms": []string{"a"}}), "other grants": ann("1", "a", "b")} {
		if _, got := w.connectWith(auth(token, first.PID)); got.SID == first.SID || got.PID == first.PID {
			t.Errorf("%s has got the session", name)
		}
	}
	thief := w.dial()
	thief.send("40" + `{"pid":"` + first.PID + `"}`)
	if got := thief.expectPrefix("44"); !strings.Contains(got, string(access.CodeMissing)) {
		t.Errorf("without a token: %s", got)
	}
	if _, got := w.connectWith(auth(ann("2", "a"), first.PID)); got != first {
		t.Errorf("the user gets %+v, want %+v", got, first)
	}
	st := w.sockets.Stats()
	if st.Recovered != 1 || st.RecoveryRefused["user"] != 2 {
		t.Errorf("%d recovered, %v refused", st.Recovered, st.RecoveryRefused)
	}
}

// A user who has as many connections as there may be comes back over another network, while
// the old connection is still there.
func TestUserAtTheLimitComesBack(t *testing.T) {
	cfg := withTokens(nil)
	cfg.Recovery, cfg.Limits.ConnectionsPerUser = aMinute, 1
	w := start(t, cfg, nil)
	token := tokenFor(t, "ann", nil)
	_, first := w.connectWith(`{"token":"` + token + `"}`)
	if _, got := w.connectWith(`{"token":"` + token + `","pid":"` + first.PID + `"}`); got != first {
		t.Errorf("got %+v, want %+v", got, first)
	}
	w.await("the old socket to end", func() bool { return w.connected.Load() == 1 })
	if st := w.sockets.Stats(); st.TakenOver != 1 {
		t.Errorf("%d taken over", st.TakenOver)
	}
	another := w.dial()
	another.send(`40{"token":"` + token + `"}`)
	another.expectPrefix(`44{"message":"Too many connections`)
}
