package main

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/causeway-rt/causeway/internal/gateway"
)

// The settings whose values in a file are not plain texts.
var (
	wholeNumbers = []string{"nodes", "max-payload", "max-queue", "max-connections", "recovery-max-events", "recovery-max-bytes"}
	lists        = []string{"transports", "allowed-origins", "trusted-proxies"}
)

// config gives the settings their types. names says where each came from.
func (f *flags) config(names map[string]string) (gateway.Config, error) {
	p := parser{names: names}
	c := gateway.Config{
		Version:          version(),
		Dev:              p.toggle("dev", f.Dev),
		Listen:           p.address("listen", f.Listen),
		InternalListen:   p.address("internal-listen", f.InternalListen),
		Path:             p.path("path", f.Path),
		TrustedProxies:   p.networks("trusted-proxies", f.TrustedProxies),
		Transports:       p.transports("transports", f.Transports),
		PingInterval:     p.duration("ping-interval", f.PingInterval, time.Millisecond),
		PingTimeout:      p.duration("ping-timeout", f.PingTimeout, time.Millisecond),
		ConnectTimeout:   p.duration("connect-timeout", f.ConnectTimeout, time.Millisecond),
		UpgradeTimeout:   p.duration("upgrade-timeout", f.UpgradeTimeout, time.Millisecond),
		MaxPayload:       p.size("max-payload", f.MaxPayload),
		MaxQueue:         p.size("max-queue", f.MaxQueue),
		RedisURL:         p.redis("redis-url", p.orFile("redis-url", f.RedisURL, f.RedisURLFile)),
		RedisPrefix:      p.prefix("redis-prefix", f.RedisPrefix),
		Adapter:          p.oneOf("adapter", f.Adapter, gateway.AdapterClassic, gateway.AdapterSharded),
		PrivateRooms:     p.oneOf("private-rooms", f.PrivateRooms, gateway.PrivateRoomsAuto, gateway.PrivateRoomsPattern, gateway.PrivateRoomsExact),
		SubscriptionMode: p.oneOf("subscription-mode", f.SubscriptionMode, "dynamic", "static", "dynamic-private"),
		Advertise:        p.peerAddress("advertise", f.Advertise),
		AffinityCookie:   p.cookieName("affinity-cookie", f.AffinityCookie),
		TraceEndpoint:    p.receiver("trace-endpoint", f.TraceEndpoint),
		LogLevel:         p.level("log-level", f.LogLevel),
	}
	// What --dev changes unless it is said otherwise.
	dev := c.Dev
	c.ClusterKey = p.secret("cluster-key", p.orFile("cluster-key", f.ClusterKey, f.ClusterKeyFile), c.RedisURL != "" && !dev)
	c.DebugKey = p.debugKey("debug-key", p.orFile("debug-key", f.DebugKey, f.DebugKeyFile))
	c.AllowedOrigins = p.origins("allowed-origins", f.AllowedOrigins.or(dev, "*", ""))
	c.DrainDelay = p.duration("drain-delay", f.DrainDelay.or(dev, "0s", "5s"), 0)
	c.DrainWindow = p.duration("drain-window", f.DrainWindow.or(dev, "1s", "20s"), 0)
	c.Limits = defaultLimits(dev)
	c.Limits.Connections = p.count("max-connections", f.MaxConnections)
	c.Recovery = p.recovery(f, c.RedisURL)
	c.Nodes = p.nodes("nodes", f.Nodes, c)
	c.LogFormat = p.oneOf("log-format", f.LogFormat.or(dev, "text", "json"), "json", "text")
	c.Warnings = append(p.exposed(c), missedTooLarge(c)...)
	return c, p.err
}

// or is the default of a setting that was not given.
func (t text) or(dev bool, inDev, otherwise text) text {
	switch {
	case t != "":
		return t
	case dev:
		return inDev
	}
	return otherwise
}

// parser turns texts into values and keeps the first error.
type parser struct {
	names  map[string]string
	hidden []string // flags whose values came from files with secrets
	err    error
}

// name is what the user knows a setting by.
func (p *parser) name(flag string) string {
	if name := p.names[flag]; name != "" {
		return name
	}
	return "--" + flag
}

// refuse records that value is not allowed for the setting called flag.
func (p *parser) refuse(flag, value, want string) {
	if p.err != nil {
		return
	}
	if slices.Contains(p.hidden, flag) {
		value = "***"
	}
	p.err = fmt.Errorf("%s=%q: want %s", p.name(flag), shown(value), want)
}

func (p *parser) toggle(flag string, t toggle) bool {
	if t == "" {
		return false
	}
	on, err := strconv.ParseBool(string(t))
	if err != nil {
		p.refuse(flag, string(t), "true or false")
	}
	return on
}

const longest = 24 * time.Hour // of a duration: beyond it, clients' timers overflow

func (p *parser) duration(flag string, t text, least time.Duration) time.Duration {
	d, err := time.ParseDuration(string(t))
	if err != nil || d < least || d > longest {
		p.refuse(flag, string(t), fmt.Sprintf("a duration such as 500ms, 25s or 1m30s, from %v to 24h", least))
	}
	return d
}

func (p *parser) size(flag string, t text) int {
	n, err := strconv.Atoi(string(t))
	if err != nil || n < 1 || n > 1<<30 {
		p.refuse(flag, string(t), "a whole number of bytes, from 1 to 1073741824")
	}
	return n
}

// count is a number of things, of which there may be any number with 0.
func (p *parser) count(flag string, t text) int {
	n, err := strconv.Atoi(string(t))
	if err != nil || n < 0 || n > mostThings {
		p.refuse(flag, string(t), fmt.Sprintf("a whole number from 0 (no limit) to %d", mostThings))
	}
	return n
}

const mostThings = 10_000_000

const mostNodes = 16 // in one process: it is for trying things

// nodes takes more than one only where that is a cluster to try.
func (p *parser) nodes(flag string, t text, c gateway.Config) int {
	n, err := strconv.Atoi(string(t))
	switch {
	case err != nil || n < 1 || n > mostNodes:
		p.refuse(flag, string(t), fmt.Sprintf("a whole number from 1 to %d", mostNodes))
	case n > 1 && !c.Dev:
		p.refuse(flag, string(t), "1 without --dev: otherwise run a process for each node, and join them with --redis-url")
	case n > 1 && c.RedisURL != "":
		p.refuse(flag, string(t), "1 with --redis-url: several nodes in one process are joined by a Redis of their own")
	}
	p.room("listen", c.Listen, n)
	p.room("internal-listen", c.InternalListen, n)
	return n
}

// room refuses an address after whose port there are not enough for all nodes.
func (p *parser) room(flag, address string, nodes int) {
	_, port, _ := net.SplitHostPort(address) // what is none has been refused
	if n, err := strconv.Atoi(port); err == nil && n > 0 && n+nodes-1 > 65535 {
		p.refuse(flag, address, fmt.Sprintf("a port up to %d, so that %d nodes have one each", 65536-nodes, nodes))
	}
}

func (p *parser) address(flag string, t text) string {
	_, port, err := net.SplitHostPort(string(t))
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		p.refuse(flag, string(t), "an address such as :3000, 127.0.0.1:3000 or [::1]:3000, with a port from 0 (any) to 65535")
	}
	return string(t)
}

func (p *parser) path(flag string, t text) string {
	path := strings.TrimSuffix(string(t), "/")
	u, err := url.Parse(path)
	if err != nil || len(path) < 2 || path[0] != '/' || path[1] == '/' || u.EscapedPath() != path {
		p.refuse(flag, string(t), "a path below / such as /socket.io, without query")
	}
	return path
}

func (p *parser) transports(flag string, t text) []string {
	out := items(t)
	slices.Sort(out)
	for _, name := range out {
		if name != "polling" && name != "websocket" {
			out = nil
		}
	}
	if len(out) == 0 || len(slices.Compact(slices.Clone(out))) < len(out) {
		p.refuse(flag, string(t), "polling, websocket or both, with a comma")
	}
	return out
}

func (p *parser) origins(flag string, t text) []string {
	out := items(t)
	for _, o := range out {
		if !isOrigin(o) && o != "*" {
			p.refuse(flag, string(t), "origins such as https://example.com or http://localhost:8080, without path, or *, with commas")
		}
	}
	return out
}

// isOrigin reports whether o is spelt as a browser sends it: scheme, host, and
// port if any, in lower case.
func isOrigin(o string) bool {
	u, err := url.Parse(o)
	return err == nil && u.Host != "" && u.Hostname() != "" && strings.ToLower(u.Scheme+"://"+u.Host) == o
}

func (p *parser) networks(flag string, t text) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range items(t) {
		n, err := netip.ParsePrefix(s)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(s); err == nil {
				n, err = a.Prefix(a.BitLen())
			}
		}
		if err != nil {
			p.refuse(flag, string(t), "networks such as 10.0.0.0/8 or fd00::/8, or single addresses, with commas")
			return nil
		}
		out = append(out, n.Masked())
	}
	return out
}

func (p *parser) redis(flag string, t text) string {
	if t != "" && !gateway.CheckRedisURL(string(t)) {
		p.refuse(flag, string(t), "redis://user:password@host:6379, rediss://host:6380 or unix:///path/to/socket, several of the first two with commas between, or redis+sentinel://host:26379,host/master")
	}
	return string(t)
}

func (p *parser) prefix(flag string, t text) string {
	if t == "" || len(t) > 256 {
		p.refuse(flag, string(t), "1 to 256 bytes")
	}
	return string(t)
}

func (p *parser) peerAddress(flag string, t text) string {
	if t == "" {
		return ""
	}
	host, port, err := net.SplitHostPort(string(t))
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil || host == "" || port == "0" || strings.ContainsAny(host, "/?#@ ") {
		p.refuse(flag, string(t), "a host and a port, such as 10.0.0.7:9090")
	}
	return string(t)
}

// leastSecretBytes keeps a key from being found by trying.
const leastSecretBytes = 16

// secret never shows what was given.
func (p *parser) secret(flag string, t text, required bool) string {
	if (t != "" || required) && len(t) < leastSecretBytes {
		p.refuse(flag, strings.Repeat("*", min(len(t), 3)), "a secret of 16 bytes or more, the same on every node of the cluster")
	}
	return string(t)
}

// receiver takes the URL of a server.
func (p *parser) receiver(flag string, t text) string {
	u, err := url.Parse(string(t))
	if t != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "") {
		p.refuse(flag, string(t), "a URL such as http://collector:4318, without user and query")
	}
	return string(t)
}

// debugKey takes what can stand in a header.
func (p *parser) debugKey(flag string, t text) string {
	unfit := strings.ContainsFunc(string(t), func(r rune) bool { return r <= ' ' || r > '~' })
	if t != "" && len(t) < leastSecretBytes || unfit {
		p.refuse(flag, strings.Repeat("*", min(len(t), 3)), "a secret of 16 bytes or more, of ASCII characters without spaces")
	}
	return string(t)
}

// cookieName takes a token of RFC 9110. Names that begin with __ have conditions that
// not every deployment meets.
func (p *parser) cookieName(flag string, t text) string {
	const tokenChars = "!#$%&'*+-.^_`|~"
	legal := !strings.ContainsFunc(string(t), func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune(tokenChars, r))
	})
	if !legal || len(t) > 64 || strings.HasPrefix(string(t), "__") {
		p.refuse(flag, string(t), "up to 64 letters, digits and signs such as - or _, not two _ in front")
	}
	return string(t)
}

func (p *parser) level(flag string, t text) slog.Level {
	name := p.oneOf(flag, t, "debug", "info", "warn", "error")
	var l slog.Level
	_ = l.UnmarshalText([]byte(name)) // an unknown name is refused above
	return l
}

func (p *parser) oneOf(flag string, t text, allowed ...string) string {
	if !slices.Contains(allowed, string(t)) {
		p.refuse(flag, string(t), strings.Join(allowed, " or "))
	}
	return string(t)
}

// items splits a list and drops the spaces around its items; "" has none.
func items(t text) []string {
	if t == "" {
		return nil
	}
	out := strings.Split(string(t), ",")
	for i := range out {
		out[i] = strings.TrimSpace(out[i])
	}
	return out
}
