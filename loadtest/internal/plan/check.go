package plan

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// Limits of a plan. They are above what one machine does, and keep a slip of the
// finger from being taken for a wish.
const (
	mostClients  = 10_000_000
	mostRooms    = 10_000_000
	mostEach     = 1000
	mostRate     = 100_000_000
	mostWindow   = 1_000_000
	mostGroups   = 100
	mostPhases   = 1000
	mostURLs     = 1000
	longestPhase = 30 * 24 * time.Hour
	longestWait  = time.Hour
)

// check returns what is wrong with a plan that is filled in.
func (p *Plan) check() error {
	for _, step := range []func() error{p.checkServers, p.checkTimes, p.checkWatched, p.checkIdentity, p.checkGroups, p.checkPhases} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (p *Plan) checkServers() error {
	if len(p.URLs) > mostURLs {
		return refuse("url", fmt.Sprint(len(p.URLs), " of them"), "%d at most", mostURLs)
	}
	for i, raw := range p.URLs {
		if !isServer(raw) {
			return refuse(fmt.Sprintf("url[%d]", i), withoutPassword(raw), "http://host:port or https://host:port, without path (--path and --namespace name these) and password")
		}
	}
	if u, err := url.Parse(p.Path); err != nil || p.Path[0] != '/' || u.EscapedPath() != p.Path || strings.HasPrefix(p.Path, "//") {
		return refuse("path", p.Path, "a path such as /socket.io, without query")
	}
	if p.Namespace[0] != '/' || strings.ContainsAny(p.Namespace, ",?") {
		return refuse("namespace", p.Namespace, "a name such as /chat, without comma and query")
	}
	return nil
}

func isServer(raw string) bool {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	return (u.Scheme == "http" || u.Scheme == "https") && strings.Trim(u.Path, "/") == ""
}

// withoutPassword is a URL for a message.
func withoutPassword(raw string) string {
	before, after, ok := strings.Cut(raw, "://")
	at := strings.LastIndexByte(after, '@')
	if !ok || at < 0 {
		return raw
	}
	return before + "://***" + after[at:]
}

func (p *Plan) checkTimes() error {
	for _, t := range []struct {
		key         string
		d           time.Duration
		least, most time.Duration
	}{
		{"interval", p.Interval, 100 * time.Millisecond, longestWait},
		{"connect_timeout", p.ConnectTimeout, time.Millisecond, longestWait},
		{"ack_timeout", p.AckTimeout, time.Millisecond, longestWait},
		{"drain", p.Drain, time.Millisecond, longestWait},
		{"reconnect.delay", p.Reconnect.Delay, time.Millisecond, longestWait},
		{"reconnect.max", p.Reconnect.Max, p.Reconnect.Delay, longestWait},
	} {
		if t.d < t.least || t.d > t.most {
			return refuse(t.key, t.d, "a duration from %v to %v", t.least, t.most)
		}
	}
	if !(p.Reconnect.Factor > 0 && p.Reconnect.Factor <= 1) {
		return refuse("reconnect.factor", p.Reconnect.Factor, "a share up to 1")
	}
	return nil
}

func (p *Plan) checkWatched() error {
	for i, raw := range p.Metrics {
		u, err := url.Parse(raw)
		if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
			return refuse(fmt.Sprintf("metrics[%d]", i), withoutPassword(raw), "a URL such as http://127.0.0.1:9090/metrics")
		}
	}
	for i, pid := range p.PIDs {
		if pid <= 0 {
			return refuse(fmt.Sprintf("pids[%d]", i), pid, "the id of a process")
		}
	}
	for i, s := range p.Sources {
		if a, err := netip.ParseAddr(s); err != nil || a.IsMulticast() {
			return refuse(fmt.Sprintf("sources[%d]", i), s, "an address of this machine such as 10.0.0.7")
		}
	}
	return nil
}

func (p *Plan) checkIdentity() error {
	if p.Token != nil && p.Token.KeyFile == "" {
		return refuse("token.key_file", "", "the file with the key that signs tokens")
	}
	if p.Token != nil && (p.Token.Lifetime < time.Second || p.Token.Lifetime > 10*365*24*time.Hour) {
		return refuse("token.lifetime", p.Token.Lifetime, "a duration of 1s or more")
	}
	_, err := p.Identities()
	return err
}

func (p *Plan) checkGroups() error {
	if n := len(p.Groups); n == 0 || n > mostGroups {
		return refuse("groups", n, "1 to %d groups, such as - {scenario: chat, clients: 100}", mostGroups)
	}
	shapes, err := Compile(p.Events)
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for i := range p.Groups {
		g, key := &p.Groups[i], fmt.Sprintf("groups[%d]", i)
		if names[g.Name] {
			return refuse(key+".name", g.Name, "a name that no other group has")
		}
		names[g.Name] = true
		if err := g.check(key, shapes); err != nil {
			return err
		}
	}
	return nil
}
