package crew

import (
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// protocol is the version of it. Both ends must have the same.
const protocol = 1

// kind says what a frame has in it.
type kind byte

// The kinds, in the order in which they come.
const (
	kindHello    kind = iota + 1 // hello
	kindFault                    // fault
	kindPlan                     // assignment
	kindReady                    // ready
	kindPing                     // ping
	kindPong                     // pong
	kindStart                    // start
	kindArrived                  // meeting
	kindEnter                    // meeting
	kindInterval                 // result.Interval
	kindClocks                   // clocks
	kindLogs                     // []audit.Log
	kindDrained                  // nothing
	kindSettle                   // skews
	kindEnded                    // nothing
	kindJudge                    // skews
	kindResult                   // outcome
	kindStop                     // nothing
	kindSay                      // say
)

// hello introduces one end to the other.
type hello struct {
	Protocol int    `json:"protocol"`
	Tool     string `json:"tool"`
	Proof    []byte `json:"proof,omitempty"` // of the key; none without one
}

// fault is why a worker does not, or not any more, take part.
type fault struct {
	Text string `json:"text"`
}

// assignment is what a worker is to do.
type assignment struct {
	Plan     plan.Plan     `json:"plan"`
	TokenKey []byte        `json:"token_key,omitempty"` // signs tokens: the plan names a file of the coordinator's machine
	Worker   int           `json:"worker"`
	Workers  int           `json:"workers"`
	Silence  time.Duration `json:"silence"` // after so long without a word the coordinator is lost
}

// ready is a worker that can do it.
type ready struct {
	Clients  int            `json:"clients"`
	Machine  result.Machine `json:"machine"`
	Warnings []string       `json:"warnings,omitempty"`
}

// ping is sent at a time of the coordinator's clock.
type ping struct {
	Sent int64 `json:"sent"`
}

// pong is its answer, with the times of the worker's clock at which it came and went.
type pong struct {
	Sent     int64 `json:"sent"`
	Received int64 `json:"received"`
	Answered int64 `json:"answered"`
}

// start begins the run, at a time of the worker's clock that may have just gone by.
type start struct {
	At int64 `json:"at"`
	clocks
}

// clocks is by how much those of all workers are behind the worker's own, by their
// numbers.
type clocks struct {
	Behind []time.Duration `json:"behind"`
}

// meeting is a phase that a worker has come to, or that all enter at a time of its clock.
type meeting struct {
	Phase int   `json:"phase"`
	At    int64 `json:"at,omitempty"`
}

// skews is how the clocks of all workers compare with the worker's own, by their numbers,
// and whose send logs are complete.
type skews struct {
	Of    []audit.Skew `json:"of"`
	Known []bool       `json:"known"`
}

// outcome is a worker's part of the result, without the intervals and the plan, which
// the coordinator has.
type outcome struct {
	Result result.Result `json:"result"`
	Audit  audit.Sums    `json:"audit"` // with what other workers sent
}

// say is a line for people.
type say struct {
	Line string `json:"line"`
}
