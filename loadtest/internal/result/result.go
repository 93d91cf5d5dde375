// Package result is what a load test found: the file that --json writes, that
// compare reads, and that every report is made of. Fields are added, never renamed;
// Version changes when a reader of the old form would be wrong.
package result

import (
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
)

// Version is the form of the file.
const Version = 1

// Result is a whole test. Times in it are seconds since Started.
type Result struct {
	Version int       `json:"version"`
	Tool    string    `json:"tool"` // name and version of the program
	Command []string  `json:"command"`
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"`
	// Ended is "complete", "interrupted", or why the run was given up.
	Ended   string    `json:"ended"`
	Machine Machine   `json:"machine"`
	Plan    plan.Plan `json:"plan"`

	Phases  []Phase      `json:"phases"`
	Counts  Counts       `json:"counts"`
	Audit   audit.Sums   `json:"audit"`
	Latency Latency      `json:"latency"`
	Errors  []ErrorClass `json:"errors"` // the most frequent first

	Intervals []Interval `json:"intervals"`
	Servers   []Server   `json:"servers"`
	// Before is, by index of Servers, what each was using before the first connection.
	Before  []Sample `json:"before,omitempty"`
	Workers []Worker `json:"workers,omitempty"`
	// Checks is the verdict, one of each expectation. nil: nothing was expected.
	Checks   []Check  `json:"checks,omitempty"`
	Warnings []string `json:"warnings,omitempty"` // what a reader must know: limits met, workers lost, clocks apart
}

// Machine is where the load came from.
type Machine struct {
	OS    string `json:"os"`
	Arch  string `json:"arch"`
	Cores int    `json:"cores"`
	CPU   string `json:"cpu"`
	Bytes int64  `json:"memory_bytes"`
	Go    string `json:"go"`
}

// Counts are totals of a test, a phase or an interval.
type Counts struct {
	Attempts        int64 `json:"attempts"`         // first connections tried
	Connected       int64 `json:"connected"`        // of Attempts, successful
	ConnectErrors   int64 `json:"connect_errors"`   // of Attempts, failed or given up
	Disconnects     int64 `json:"disconnects"`      // connections lost that the test did not end or cut
	Cuts            int64 `json:"cuts"`             // connections that the test cut
	SlowClosed      int64 `json:"slow_closed"`      // slow readers that the server closed
	Reconnects      int64 `json:"reconnects"`       // clients that came back
	ReconnectErrors int64 `json:"reconnect_errors"` // attempts to come back that failed
	Joins           int64 `json:"joins"`            // confirmed
	Leaves          int64 `json:"leaves"`           // confirmed
	Refused         int64 `json:"refused"`          // acks with {"ok":false}
	Published       int64 `json:"published"`
	Unsent          int64 `json:"unsent"` // due by the rate, and not sent: the client was not connected, or could not write
	Requests        int64 `json:"requests"`
	Acks            int64 `json:"acks"`
	AckTimeouts     int64 `json:"ack_timeouts"`
	Received        int64 `json:"received"` // events that arrived, of any kind
	BytesIn         int64 `json:"bytes_in"` // payload of the transports, without TCP and TLS
	BytesOut        int64 `json:"bytes_out"`
}

// Latency has a histogram of each kind. An attempt that failed is in none: it is in
// Counts.
type Latency struct {
	Connect   *Histogram `json:"connect"`   // from the first byte to the server's CONNECT
	Ack       *Histogram `json:"ack"`       // from when a request should have been sent to its answer
	Delivery  *Histogram `json:"delivery"`  // from when a message should have been sent to its arrival
	Reconnect *Histogram `json:"reconnect"` // from the loss of a connection to being back in all rooms
}

// Phase is what happened in one phase.
type Phase struct {
	Name    string     `json:"name"`
	Kind    string     `json:"kind"`
	From    float64    `json:"from"`
	To      float64    `json:"to"`
	Counts  Counts     `json:"counts"`
	Latency Latency    `json:"latency"`
	Servers []Usage    `json:"servers"` // by index of Result.Servers: used in this phase
	Audit   audit.Sums `json:"audit"`   // what was noticed in this phase; what is lost at the end is in the last
}

// Interval is a step of the time series.
type Interval struct {
	From    float64    `json:"from"`
	To      float64    `json:"to"`
	Phase   int        `json:"phase"`
	Open    int64      `json:"open"` // connections at its end
	Wanted  int64      `json:"wanted"`
	Counts  Counts     `json:"counts"` // within it
	Audit   audit.Sums `json:"audit"`  // noticed within it
	Latency Latency    `json:"latency"`
	Tool    Sample     `json:"tool"` // this program itself
	Servers []Sample   `json:"servers"`
}

// Server is one that was watched.
type Server struct {
	Name   string `json:"name"`   // host and port of its metrics, or its process id
	Source string `json:"source"` // "metrics" or "process"
}

// Sample is a process at one moment. Missing figures are -1.
type Sample struct {
	CPUSeconds     float64 `json:"cpu_seconds"` // used since it started
	ResidentBytes  int64   `json:"resident_bytes"`
	Connections    int64   `json:"connections"`
	QueueBytes     int64   `json:"queue_bytes"`
	PublishSeconds float64 `json:"publish_seconds"` // to Redis, mean within the interval
}

// Usage is what a server used between two moments. Missing figures are -1.
type Usage struct {
	CPUSeconds    float64 `json:"cpu_seconds"`
	ResidentBytes int64   `json:"resident_bytes"` // at the end
	Connections   int64   `json:"connections"`    // at the end
}

// ErrorClass is a kind of error.
type ErrorClass struct {
	Class   string  `json:"class"` // "connect: refused", "ack: timeout", …
	Count   int64   `json:"count"`
	Example string  `json:"example"`
	First   float64 `json:"first"` // when
}

// Worker is a process that took part.
type Worker struct {
	Address string  `json:"address"`
	Clients int     `json:"clients"`
	Clock   float64 `json:"clock_error_seconds"` // at most so wrong is what was known of its clock
	Machine Machine `json:"machine"`
	Lost    string  `json:"lost,omitempty"` // why it is missing from some of the figures
}

// Lost are the addresses of the workers that are missing from some of the figures.
func (r *Result) Lost() (addresses []string) {
	for _, w := range r.Workers {
		if w.Lost != "" {
			addresses = append(addresses, w.Address)
		}
	}
	return addresses
}

// Check is an expectation and what was found.
type Check struct {
	Text  string `json:"text"`  // as it was given
	Found string `json:"found"` // with its unit
	OK    bool   `json:"ok"`
}
