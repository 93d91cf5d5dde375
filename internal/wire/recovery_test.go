package wire

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// later leaves the server the time to notice that a client is away.
var later = &Backoff{Delay: time.Second, Factor: -1}

func TestOfficialServerGivesTheSessionBack(t *testing.T) {
	url := serveScript(t, "testdata/recovery.mjs")
	for _, transport := range transports {
		t.Run(string(transport), func(t *testing.T) {
			t.Parallel()
			var forged atomic.Bool // from then on another pid is told
			auth := func() ([]byte, error) {
				if forged.Load() {
					return fmt.Appendf(nil, `{ "pid": "somebodyelses", "from": %q }`, transport), nil
				}
				return fmt.Appendf(nil, `{"from": %q}`, transport), nil
			}
			c, r := connect(t, Config{URL: url, Transport: transport, Auth: auth, Reconnect: later})
			first := wait(t, r.connected, "Connected")
			if first.Recovered {
				t.Error("recovered at the beginning")
			}
			for range 2 {
				expectMissed(t, c, r, "room "+string(transport), first.SID)
			}
			forged.Store(true)
			c.Cut()
			wait(t, r.disconnected, "Disconnected")
			if o := wait(t, r.connected, "Connected afresh"); o.Recovered || o.SID == first.SID {
				t.Errorf("with a pid that nobody has: %+v after %+v", o, first)
			}
		})
	}
}

// expectMissed cuts the client, which must get what is sent meanwhile, once and in order.
func expectMissed(t *testing.T, c *Client, r *recorder, room, sid string) {
	t.Helper()
	const n = 6
	if _, err := ask(t, c, fmt.Sprintf(`["join",%q]`, room)); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(t, c, fmt.Sprintf(`["feed",%q,%d]`, room, n)); err != nil {
		t.Fatal(err)
	}
	offset := expectNumbered(t, r, 0)
	c.Cut()
	wait(t, r.disconnected, "Disconnected")
	if o := wait(t, r.connected, "Connected again"); !o.Recovered || o.SID != sid {
		t.Errorf("opened %+v, expected %s back", o, sid)
	}
	for i := 1; i < n; i++ {
		expectNumbered(t, r, i)
	}
	transport := strings.TrimPrefix(room, "room ")
	auths, err := ask(t, c, fmt.Sprintf(`["auths",%q]`, transport))
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	if err := json.Unmarshal([]byte("["+auths+"]"), &[]any{&told}); err != nil {
		t.Fatalf("%s: %v", auths, err)
	}
	var last struct{ PID, Offset, From string }
	if err := json.Unmarshal([]byte(told[len(told)-1]), &last); err != nil {
		t.Fatal(err)
	}
	if last.PID == "" || last.Offset != offset || last.From != transport {
		t.Errorf("CONNECT with %s, expected the offset %q", told[len(told)-1], offset)
	}
}

// expectNumbered expects an event of the feed, and returns its offset.
func expectNumbered(t *testing.T, r *recorder, i int) string {
	t.Helper()
	e := wait(t, r.events, "event")
	var (
		number       int
		text, offset string
	)
	args := []any{&number, &text, &offset}
	if len(e.attachments) > 0 {
		args = []any{&number, &text, new(any), &offset}
	}
	if err := json.Unmarshal([]byte("["+e.args+"]"), &args); err != nil || e.name != "numbered" || number != i || text != "text" || offset == "" {
		t.Fatalf("%s %s: %v; expected number %d and an offset", e.name, e.args, err, i)
	}
	if binary := i > 0 && i%2 == 0; binary != (len(e.attachments) == 1) || binary && e.attachments[0] != string(rune(i)) {
		t.Errorf("number %d has attachments %q", i, e.attachments)
	}
	return offset
}

func TestLastArgumentIsTheOffsetIfItIsAString(t *testing.T) {
	for array, want := range map[string]string{
		`["a","1-1"]`:           `"1-1"`,
		`["a",{"b":"c"}, "x" ]`: `"x"`,
		`["a","q\"[,\\"]`:       `"q\"[,\\"`,
		`["a",["x"]]`:           "",
		`["a",1]`:               "",
		`["a",""]`:              `""`,
		`["a"]`:                 `"a"`, // as the official client has it
		`[1]`:                   "",
		`[]`:                    "",
		`["]`:                   "",
		`"`:                     "",
	} {
		if got := string(lastString([]byte(array))); got != want {
			t.Errorf("%s: %s, expected %s", array, got, want)
		}
	}
}

func TestAuthCountsBeforeTheRecovery(t *testing.T) {
	for _, c := range []struct {
		recovery   *recovery
		auth, want string
	}{
		{nil, `{"a":1}`, `{"a":1}`},
		{nil, ``, ``},
		{&recovery{offset: []byte(`"o"`)}, `{"a":1}`, `{"a":1}`},
		{&recovery{pid: "p"}, ``, `{"pid":"p"}`},
		{&recovery{pid: `p"`, offset: []byte(`"o"`)}, ` { } `, `{"pid":"p\"","offset":"o"}`},
		{&recovery{pid: "p", offset: []byte(`"o"`)}, `{"a":{}}`, `{"pid":"p","offset":"o","a":{}}`},
	} {
		if got := string((&Client{recovery: c.recovery}).withRecovery([]byte(c.auth))); got != c.want {
			t.Errorf("%+v and %s: %s, expected %s", c.recovery, c.auth, got, c.want)
		}
	}
}
