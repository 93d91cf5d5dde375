package main

import (
	"github.com/alecthomas/kong"
)

// flags lists what can be configured. Each entry is a flag, an environment
// variable and a key of the file; all hold text here and get their type in
// config, so that the same checks and messages serve all three.
type flags struct {
	// Config comes first: what it names is read before the others are looked up.
	Config string `placeholder:"FILE" help:"YAML file with any of the settings below, such as ping_interval: 25s."`
	Dev    toggle `help:"For your own machine: demo page, relay open to all, any origin, text logs."`

	Listen         text `group:"listen" default:":3000" help:"Public address: serves the Socket.IO path and nothing else."`
	InternalListen text `group:"listen" default:"127.0.0.1:9090" help:"Internal address: metrics, health, other nodes. Not for the internet."`
	Path           text `group:"listen" default:"/socket.io" help:"Path of the Socket.IO endpoint."`
	AllowedOrigins text `group:"listen" placeholder:"LIST" help:"Origins whose pages may connect; * is any. Unset: own host, * with --dev."`
	TrustedProxies text `group:"listen" placeholder:"LIST" help:"Networks of proxies whose X-Forwarded headers are believed. Unset: none."`

	Transports     text `group:"session" default:"polling,websocket" help:"Transports that clients may use."`
	PingInterval   text `group:"session" default:"25s" help:"Time between pings."`
	PingTimeout    text `group:"session" default:"20s" help:"How long a client may take to answer a ping."`
	ConnectTimeout text `group:"session" default:"45s" help:"How long a client may take to join a namespace."`
	UpgradeTimeout text `group:"session" default:"10s" help:"How long an upgrade to WebSocket may take."`
	MaxPayload     text `group:"session" default:"1000000" help:"Bytes in one message and in one request body."`
	MaxQueue       text `group:"session" default:"1048576" help:"Bytes that may wait for one client before it is closed as slow."`

	MaxConnections text `group:"session" default:"0" help:"Connections of this node; a full one answers 503. 0: no limit."`

	Recovery          text `group:"recovery" default:"0s" help:"How long a client may be away and still get all that it missed."`
	RecoveryMaxEvents text `group:"recovery" default:"1000" help:"Events that one client may have missed; with more it starts afresh."`
	RecoveryMaxBytes  text `group:"recovery" default:"1048576" help:"Bytes of those events, likewise."`

	Nodes            text `group:"cluster" default:"1" help:"With --dev: nodes in this process, on ports that follow each other."`
	RedisURL         text `group:"cluster" name:"redis-url" placeholder:"URL" help:"Redis that joins nodes, or with commas a Redis Cluster. Unset: one node."`
	RedisURLFile     text `group:"cluster" name:"redis-url-file" placeholder:"FILE" help:"File with that URL, for one that has a password."`
	RedisPrefix      text `group:"cluster" default:"socket.io" help:"Prefix of the Redis channels: the official adapter's key."`
	Adapter          text `group:"cluster" default:"classic" help:"Wire format: classic, or sharded for sharded Pub/Sub of Redis 7."`
	PrivateRooms     text `group:"cluster" default:"auto" help:"Of classic nodes: pattern, exact, or auto, which is exact beyond 20 nodes."`
	SubscriptionMode text `group:"cluster" default:"dynamic" help:"Of all sharded nodes: dynamic, static or dynamic-private."`

	Advertise      text `group:"cluster" placeholder:"ADDRESS" help:"Where other nodes reach the internal address. Unset: found out."`
	ClusterKey     text `group:"cluster" placeholder:"SECRET" help:"Shared by all nodes, 16 bytes or more; must be set unless --dev."`
	ClusterKeyFile text `group:"cluster" placeholder:"FILE" help:"File with that secret: arguments are shown to whoever lists processes."`
	AffinityCookie text `group:"cluster" placeholder:"NAME" help:"Cookie with the node's tag, for balancers that can use one. Unset: none."`

	DrainDelay  text `group:"stop" placeholder:"5s" help:"Time for balancers to see that the node is not ready. 0s with --dev."`
	DrainWindow text `group:"stop" placeholder:"20s" help:"Time over which sessions are closed after that. 1s with --dev."`

	LogLevel  text `group:"log" default:"info" help:"Least level to log: debug, info, warn or error."`
	LogFormat text `group:"log" placeholder:"json" help:"json or text. text with --dev."`

	DebugKey     text `group:"log" placeholder:"SECRET" help:"16 bytes or more: opens profiles on the internal address. Unset: none."`
	DebugKeyFile text `group:"log" placeholder:"FILE" help:"File with that secret."`

	TraceEndpoint text `group:"log" placeholder:"URL" help:"Receiver of traces (OTLP over HTTP). Unset: OTEL_... variables, or none."`

	Serve       struct{} `cmd:"" default:"1"`
	CheckConfig struct{} `cmd:""`
	Healthcheck struct {
		Path text `arg:"" optional:"" default:"livez"`
	} `cmd:""`
	Drain struct {
		APIKeyFile text `name:"api-key-file"`
		PID        text `name:"pid"`
		Timeout    text `default:"5m"`
	} `cmd:""`
	Version struct{} `cmd:""`
}

// text is a setting as it was written.
type text string

// toggle is a switch as it was written: empty, or what followed the flag.
type toggle string

// IsBool lets the flag stand alone.
func (t *toggle) IsBool() bool { return true }

// Decode keeps what was written, "true" when the flag stood alone.
func (t *toggle) Decode(ctx *kong.DecodeContext) error { //nolint:unparam // the form is kong.MapperValue's
	*t = "true"
	if ctx.Scan.Peek().Type == kong.FlagValueToken {
		*t = toggle(ctx.Scan.Pop().String())
	}
	return nil
}
