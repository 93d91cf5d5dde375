package main

import (
	"errors"
	"reflect"

	"github.com/alecthomas/kong"

	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

// runFlags are the flags of run. Those of the plan hold text here and get their types
// in package plan, so that flags and files have the same checks and messages.
type runFlags struct {
	Scenario texts  `group:"what" placeholder:"NAME" help:"What clients do: idle, fanout, chat, ack, churn, storm, slow or mixed; see loadtest scenarios."`
	File     texts  `group:"what" placeholder:"FILE" help:"YAML file that composes groups and phases, in place of a scenario."`
	DryRun   toggle `group:"what" help:"Check everything, print the plan as such a file, and stop."`

	URL            texts  `group:"server" name:"url" placeholder:"http://localhost:3000" help:"Server, http or https. Repeat it, or use commas: clients are dealt to all in turn."`
	Path           texts  `group:"server" placeholder:"/socket.io" help:"Path of the Socket.IO endpoint."`
	Namespace      texts  `group:"server" placeholder:"/" help:"Namespace that clients connect to."`
	Header         texts  `group:"server" placeholder:"'NAME: VALUE'" help:"Header of each handshake. Repeat it for more. {client} is the client's number, {token} its token."`
	Auth           texts  `group:"server" placeholder:"JSON" help:"Object that clients authenticate with, with {client} and {token} in its texts."`
	TokenKey       texts  `group:"server" placeholder:"FILE" help:"Signs a JSON web token for each client with the secret or the private key in FILE."`
	TokenAlgorithm texts  `group:"server" placeholder:"HS256" help:"Of tokens: HS256, RS256, ES256 or EdDSA."`
	TokenClaim     texts  `group:"server" placeholder:"NAME=TEXT" help:"Claim of tokens, such as sub=user-{client}. Repeat it for more."`
	TokenLifetime  texts  `group:"server" placeholder:"1h" help:"Time after which tokens expire."`
	Insecure       toggle `group:"server" help:"Accept any certificate."`

	Clients     texts `group:"load" placeholder:"100" help:"Clients that are connected at once."`
	Rate        texts `group:"load" placeholder:"N" help:"Messages a second of all clients together; requests with ack, arrivals with idle. Sent when due, whether or not earlier ones have arrived."`
	Window      texts `group:"load" placeholder:"N" help:"In place of a rate: so many messages are on their way at any time."`
	Messages    texts `group:"load" placeholder:"N" help:"Publish no more than so many."`
	Duration    texts `group:"load" placeholder:"30s" help:"How long the load lasts, once all clients are there."`
	ConnectRate texts `group:"load" placeholder:"N" help:"Connections a second while clients arrive. Unset: as fast as can be."`
	Arrivals    texts `group:"load" placeholder:"N" help:"In place of --clients: so many come each second, each for --stay."`
	Workers     texts `group:"load" placeholder:"HOST:PORT,..." help:"Have these make the run together, each a part: processes of loadtest worker, on other machines. This one directs them."`
	Transport   texts `group:"load" placeholder:"websocket" help:"websocket, polling or upgrade, or several with commas, of which each client takes the next."`

	Rooms      texts  `group:"detail" placeholder:"N" help:"Rooms that clients are spread over."`
	RoomsEach  texts  `group:"detail" placeholder:"N" help:"Rooms that each client is in."`
	Publishers texts  `group:"detail" placeholder:"N" help:"More clients, in no room, that publish to all rooms. 0: members publish."`
	Payload    texts  `group:"detail" placeholder:"SIZE" help:"Bytes of a message: 128, 64..1k, normal(200,50), exp(300), or mix(90:128, 10:4k) of several with weights."`
	Binary     toggle `group:"detail" help:"Send payloads as attachments."`
	AckPublish toggle `group:"detail" help:"Ask for an ack of each message, and measure it."`
	Think      texts  `group:"detail" placeholder:"TIME" help:"Between an answer and the next request: 500ms, 1s..5s, exp(2s), as for sizes."`
	Stay       texts  `group:"detail" placeholder:"TIME" help:"Until a client disconnects and another takes its place."`
	Rejoin     texts  `group:"detail" placeholder:"TIME" help:"Until a member leaves its room and joins it anew."`
	CutShare   texts  `group:"detail" placeholder:"SHARE" help:"Share of the clients that lose their TCP connections at once."`
	CutEvery   texts  `group:"detail" placeholder:"TIME" help:"Time from one cut to the next."`
	CutFor     texts  `group:"detail" placeholder:"TIME" help:"How long they cannot connect then."`
	SlowShare  texts  `group:"detail" placeholder:"SHARE" help:"Share of the clients that read slowly."`
	SlowRate   texts  `group:"detail" placeholder:"N" help:"Bytes a second that these read. 0: nothing at all."`

	Metrics texts `group:"watch" placeholder:"URL" help:"Prometheus metrics of a server, for its CPU, memory and queues. Repeat it for more."`
	PID     texts `group:"watch" name:"pid" placeholder:"N" help:"Process on this machine whose CPU and memory are read. Repeat it for more."`

	Expect   texts  `group:"out" placeholder:"LIST" help:"What decides the exit status: delivery_p99<50ms,lost=0,connect_errors<0.1%"`
	HTML     texts  `group:"out" name:"html" placeholder:"FILE" help:"Write a report that opens in a browser, offline."`
	JSON     texts  `group:"out" name:"json" placeholder:"FILE" help:"Write all figures, for loadtest compare and other programs."`
	CSV      texts  `group:"out" name:"csv" placeholder:"FILE" help:"Write a line for each interval."`
	Interval texts  `group:"out" placeholder:"1s" help:"Step of the time series."`
	NoLive   toggle `group:"out" help:"On a terminal too, a line for each interval in place of the live view."`
	Quiet    toggle `group:"out" help:"Nothing while it runs; the summary at the end."`

	PrometheusListen texts `group:"out" placeholder:"ADDRESS" help:"Show the run as Prometheus metrics there, such as :9101."`

	Source         texts `group:"fine" placeholder:"ADDRESS" help:"Local address to connect from; repeat it for more than 28,000 connections to one server. On the loopback enough are chosen."`
	Seed           texts `group:"fine" placeholder:"N" help:"Repeats the random choices of another run."`
	ConnectTimeout texts `group:"fine" placeholder:"20s" help:"For a connection, up to the server's CONNECT."`
	AckTimeout     texts `group:"fine" placeholder:"10s" help:"For an ack."`
	Drain          texts `group:"fine" placeholder:"10s" help:"For the last messages, at most."`
	WorkerKeyFile  texts `group:"fine" placeholder:"FILE" help:"Secret that the workers have too, or LOADTEST_WORKER_KEY in the environment."`
	WorkerTimeout  texts `group:"fine" placeholder:"10s" help:"Without a word for so long a worker is lost."`
}

// texts are the values of a flag, as they were written, each time that it was given.
type texts []string

// Decode keeps one more.
func (t *texts) Decode(ctx *kong.DecodeContext) error {
	if ctx.Scan.Peek().IsEOL() {
		return errors.New("want a value after it")
	}
	*t = append(*t, ctx.Scan.Pop().String())
	return nil
}

// toggle is a switch as it was written: "true" if it stood alone.
type toggle []string

// IsBool lets the flag stand alone.
func (t *toggle) IsBool() bool { return true }

// Decode keeps what was written.
func (t *toggle) Decode(ctx *kong.DecodeContext) error { //nolint:unparam // the form is kong.MapperValue's
	s := "true"
	if ctx.Scan.Peek().Type == kong.FlagValueToken {
		s = ctx.Scan.Pop().String()
	}
	*t = append(*t, s)
	return nil
}

// planFlags are those of node that package plan knows.
func planFlags(node *kong.Node) plan.Flags {
	out := plan.Flags{}
	for _, name := range plan.FlagNames() {
		for _, flag := range node.Flags {
			if flag.Name == name && flag.Target.Len() > 0 {
				out[name] = flag.Target.Convert(reflect.TypeFor[[]string]()).Interface().([]string)
			}
		}
	}
	return out
}
