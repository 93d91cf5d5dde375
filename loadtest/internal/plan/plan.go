// Package plan is what a load test is to do: where, by whom, how much, for how
// long. A Plan comes from a scenario's name and flags, or from a YAML file; it is
// complete and valid before the first connection is made, and is kept in the
// result, so that a run can be repeated.
package plan

import "time"

// Plan is a whole load test. It is not changed while it runs.
type Plan struct {
	// URLs are the servers, http or https with host and port. Clients are dealt to
	// them in turn.
	URLs []string `yaml:"url" json:"url"`
	// Path is where the server answers. Empty means /socket.io/.
	Path string `yaml:"path,omitempty" json:"path"`
	// Namespace is what clients connect to. Empty means /.
	Namespace string `yaml:"namespace,omitempty" json:"namespace"`
	// Header is sent with each handshake; values may have placeholders.
	Header map[string]string `yaml:"header,omitempty" json:"header,omitempty"`
	// Auth is the JSON object of the CONNECT packet; strings in it may have
	// placeholders: {client} is its number, {token} the one made by Token.
	Auth map[string]any `yaml:"auth,omitempty" json:"auth,omitempty"`
	// Token, when set, makes a signed token for each client.
	Token *Token `yaml:"token,omitempty" json:"token,omitempty"`
	// Insecure accepts any certificate.
	Insecure bool `yaml:"insecure,omitempty" json:"insecure,omitempty"`
	// Events says how the server under test is spoken to.
	Events Events `yaml:"events,omitempty" json:"events"`
	// Groups are the clients, by what they do.
	Groups []Group `yaml:"groups" json:"groups"`
	// Phases follow each other.
	Phases []Phase `yaml:"phases" json:"phases"`
	// Reconnect is how clients come back. The zero value is the official client's way.
	Reconnect Reconnect `yaml:"reconnect,omitempty" json:"reconnect"`
	// Sources are local addresses to connect from, in turn. Empty: chosen by the
	// kernel, or, for a server on the loopback, as many of 127.0.0.0/8 as are needed.
	Sources []string `yaml:"sources,omitempty" json:"sources,omitempty"`
	// Metrics are URLs of the servers' Prometheus metrics, scraped each interval.
	Metrics []string `yaml:"metrics,omitempty" json:"metrics,omitempty"`
	// PIDs are processes of this machine whose CPU and memory are read each interval,
	// for servers that export neither.
	PIDs []int `yaml:"pids,omitempty" json:"pids,omitempty"`
	// Expect is the verdict's text, as of --expect.
	Expect string `yaml:"expect,omitempty" json:"expect,omitempty"`
	// Interval is the length of a step of the time series. 0 means 1 s.
	Interval time.Duration `yaml:"interval,omitempty" json:"interval"`
	// ConnectTimeout bounds a connection attempt, up to the server's CONNECT. 0 means 20 s.
	ConnectTimeout time.Duration `yaml:"connect_timeout,omitempty" json:"connect_timeout"`
	// AckTimeout bounds the wait for an ack. 0 means 10 s.
	AckTimeout time.Duration `yaml:"ack_timeout,omitempty" json:"ack_timeout"`
	// Drain is how long, at most, the last messages are waited for at the end. 0 means 10 s.
	Drain time.Duration `yaml:"drain,omitempty" json:"drain"`
	// Seed makes random choices repeatable. 0: chosen, and kept in the result.
	Seed uint64 `yaml:"seed,omitempty" json:"seed"`
}

// Group is a number of clients that do the same. A scenario fills in what is left
// out.
type Group struct {
	// Name is the scenario's if empty; it is unique in a plan.
	Name string `yaml:"name" json:"name"`
	// Scenario is one of Scenarios.
	Scenario string `yaml:"scenario" json:"scenario"`
	// Clients is how many there are in the phases that do not say otherwise.
	Clients int `yaml:"clients" json:"clients"`
	// Transport is websocket, polling or upgrade, or several, of which each client
	// takes the next.
	Transport []string `yaml:"transport" json:"transport"`
	// Rooms is how many rooms the clients are spread over. 0: they join none.
	Rooms int `yaml:"rooms" json:"rooms"`
	// RoomsEach is how many of them one client is in.
	RoomsEach int `yaml:"rooms_each" json:"rooms_each"`
	// Publishers is how many clients, of their own and in no room, publish, each to
	// every room in turn. 0: the members publish, each to the rooms that it is in.
	Publishers int `yaml:"publishers" json:"publishers"`
	// Rate is the messages that the whole group publishes in a second, at even
	// distances, whether or not earlier ones have arrived: an open loop. 0: closed
	// loop by Window.
	Rate float64 `yaml:"rate" json:"rate"`
	// Window is, with Rate 0, how many messages (of the group) may be on their way; the
	// next is sent when one has reached everybody. 0: nobody publishes.
	Window int `yaml:"window" json:"window"`
	// Messages ends the publishing after so many. 0: with the phases.
	Messages int `yaml:"messages" json:"messages"`
	// Payload is the size of a message's payload in bytes.
	Payload Dist `yaml:"payload" json:"payload"`
	// Binary sends the payload as an attachment.
	Binary bool `yaml:"binary" json:"binary"`
	// AckPublish asks for an ack of each publish, and measures it.
	AckPublish bool `yaml:"ack_publish" json:"ack_publish"`
	// Requests makes each client ask for an ack, one after the other, Think apart.
	Requests bool `yaml:"requests" json:"requests"`
	// RequestRate is, for the whole group, the requests a second, as an open loop. 0: closed.
	RequestRate float64 `yaml:"request_rate" json:"request_rate"`
	// Think is the seconds between a client's answer and its next request.
	Think Dist `yaml:"think" json:"think"`
	// Rejoin is the seconds after which a member leaves its room and joins it anew. Zero: never.
	Rejoin Dist `yaml:"rejoin" json:"rejoin"`
	// Stay is the seconds after which a client disconnects and another takes its
	// place. Zero: it stays.
	Stay Dist `yaml:"stay" json:"stay"`
	// Arrivals is how many clients come in a second, in an open loop, each for Stay,
	// in place of a fixed number. 0: a fixed number.
	Arrivals float64 `yaml:"arrivals" json:"arrivals"`
	// Cut is how many of the clients lose their TCP connection at once.
	Cut Cut `yaml:"cut" json:"cut"`
	// Slow is how many of the clients read too slowly.
	Slow Slow `yaml:"slow" json:"slow"`
}

// Cut is a network that fails for a share of the clients. They come back by themselves.
type Cut struct {
	// Share is 0 to 1. 0: nobody.
	Share float64 `yaml:"share" json:"share"`
	// Every is the time from one cut to the next; the first comes after one of it.
	Every time.Duration `yaml:"every" json:"every"`
	// For is how long nothing can be connected.
	For time.Duration `yaml:"for" json:"for"`
}

// Slow is a share of the clients that read at a rate of bytes.
type Slow struct {
	// Share is 0 to 1. 0: nobody.
	Share float64 `yaml:"share" json:"share"`
	// BytesPerSecond is what one reads. 0: nothing at all.
	BytesPerSecond int `yaml:"bytes_per_second" json:"bytes_per_second"`
}

// The kinds of phases.
const (
	Ramp  = "ramp"  // numbers go evenly from what they were to what the phase says
	Hold  = "hold"  // numbers stay, or change at once to what the phase says
	Spike = "spike" // numbers change at once, and back at its end
	Stop  = "stop"  // publishing ends, what is on its way arrives, clients go
)

// Phase is a part of a test.
type Phase struct {
	Name string `yaml:"name,omitempty" json:"name"`
	// Kind is ramp, hold, spike or stop.
	Kind string `yaml:"kind" json:"kind"`
	// Duration of a ramp of 0 is as fast as connections are made.
	Duration time.Duration `yaml:"duration,omitempty" json:"duration"`
	// Clients, Rate, RequestRate and Arrivals change a group's numbers, by its name.
	Clients     map[string]int     `yaml:"clients,omitempty" json:"clients,omitempty"`
	Rate        map[string]float64 `yaml:"rate,omitempty" json:"rate,omitempty"`
	RequestRate map[string]float64 `yaml:"request_rate,omitempty" json:"request_rate,omitempty"`
	Arrivals    map[string]float64 `yaml:"arrivals,omitempty" json:"arrivals,omitempty"`
	// Quiet: nobody publishes or asks in it, as while clients arrive.
	Quiet bool `yaml:"quiet,omitempty" json:"quiet,omitempty"`
}

// Events is how the server is spoken to: arrays of JSON, the event's name first, in
// which "{room}", "{event}", "{payload}" and "{client}" are replaced.
type Events struct {
	Join    []any `yaml:"join,omitempty" json:"join"`       // default ["join", "{room}"]
	Leave   []any `yaml:"leave,omitempty" json:"leave"`     // default ["leave", "{room}"]
	Publish []any `yaml:"publish,omitempty" json:"publish"` // default ["publish", "{room}", "msg", "{payload}"]
	Request []any `yaml:"request,omitempty" json:"request"` // default ["leave", "nowhere"]: what every gateway answers
	// Receive is the event that carries a published payload, and Argument the place of
	// the payload among its arguments, 0 being the first after the name.
	Receive  string `yaml:"receive,omitempty" json:"receive"` // default msg
	Argument int    `yaml:"argument,omitempty" json:"argument"`
	// NoJoinAck: joins are not answered; a member is taken to be one from then on when
	// it first receives something, or after the settling time of a second.
	NoJoinAck bool `yaml:"no_join_ack,omitempty" json:"no_join_ack"`
}

// Reconnect is the back-off of the official client: Delay doubles up to Max, each
// changed at random by up to the share Factor.
type Reconnect struct {
	Delay  time.Duration `yaml:"delay,omitempty" json:"delay"`   // 0 means 1 s
	Max    time.Duration `yaml:"max,omitempty" json:"max"`       // 0 means 5 s
	Factor float64       `yaml:"factor,omitempty" json:"factor"` // 0 means 0.5
	Off    bool          `yaml:"off,omitempty" json:"off"`       // a lost client stays away
}

// Token signs a JSON web token for each client.
type Token struct {
	// Algorithm is HS256, RS256, ES256 or EdDSA.
	Algorithm string `yaml:"algorithm" json:"algorithm"`
	// KeyFile is the secret, less a newline at its end, or the private key in PEM.
	KeyFile string `yaml:"key_file" json:"key_file"`
	// Claims may have placeholders in strings. exp, iat are set from Lifetime.
	Claims   map[string]any `yaml:"claims,omitempty" json:"claims,omitempty"`
	Lifetime time.Duration  `yaml:"lifetime,omitempty" json:"lifetime"` // 0 means 1 h

	key []byte // in place of KeyFile's content; nil: that
}
