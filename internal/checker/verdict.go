package checker

import (
	"fmt"
	"slices"
	"strings"
)

// Kind is a promise that was broken.
type Kind string

// The kinds. All but those that say otherwise are about what one session received.
const (
	Unsent     Kind = "received, but not sent"
	Twice      Kind = "received twice"
	BadOffset  Kind = "offset missing, not rising, or of two events"
	Reordered  Kind = "order of a publisher changed"
	SilentLoss Kind = "silently lost"
	Outside    Kind = "received outside of a membership"
	BadID      Kind = "socket id shared, or changed by a recovery"
	Absent     Kind = "not back at the end" // a client
)

// Kinds are all kinds, in the order of reports.
var Kinds = []Kind{Unsent, Twice, BadOffset, Reordered, SilentLoss, Outside, BadID, Absent}

// Finding is one case of a broken promise.
type Finding struct {
	Kind    Kind
	Client  int
	Session int // of the client's
	ID      ID  // of the message; zero if it is not about one
	At      Time
	Detail  string
}

func (f Finding) String() string {
	s := fmt.Sprintf("%s: client %d, session %d, at %.3f s", f.Kind, f.Client, f.Session, f.At.Seconds())
	if f.ID != (ID{}) {
		s += ", message " + f.ID.String()
	}
	return s + ": " + f.Detail
}

// maxFindings bounds the findings of a kind that are kept. All are counted.
const maxFindings = 20

// Announcement is a new session in the place of an earlier one.
type Announcement struct {
	Client int
	At     Time
	Cause  string // of the end of the connection before
	Missed int    // acknowledged messages that the client did not get by then, as far as they were for it
}

// Verdict is what Judge has found.
type Verdict struct {
	Broken   map[Kind]int
	Findings []Finding // at most 20 of a kind

	Sent                           int // messages that were not refused
	Acknowledged, Unknown, Refused int // of all
	Received                       int
	Sessions, Recovered            int // connections that began a session, and those that went on with one
	// Expected are the messages that somebody had to get, counted for each member. Those that were not
	// got are silently lost, told, or open.
	Expected, Got, Told, Open int
	// Partial are messages of unknown outcome that some members got, and others, as far as can be told, did not.
	Partial       int
	Announcements []Announcement
}

// OK says that no promise was broken.
func (v *Verdict) OK() bool { return len(v.Broken) == 0 }

func (v *Verdict) find(f Finding) {
	v.Broken[f.Kind]++
	if v.Broken[f.Kind] <= maxFindings {
		v.Findings = append(v.Findings, f)
	}
}

// String is a report of a few lines, without the findings.
func (v *Verdict) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "messages: %d acknowledged, %d unknown, %d refused; %d receipts\n", v.Acknowledged, v.Unknown, v.Refused, v.Received)
	fmt.Fprintf(&b, "sessions: %d new, %d recovered; %d losses announced\n", v.Sessions, v.Recovered, len(v.Announcements))
	fmt.Fprintf(&b, "expected: %d arrivals: %d came, %d told as missed, %d open, %d silently lost; %d of unknown outcome came to some only\n",
		v.Expected, v.Got, v.Told, v.Open, v.Broken[SilentLoss], v.Partial)
	for _, k := range Kinds {
		if n := v.Broken[k]; n > 0 {
			fmt.Fprintf(&b, "BROKEN: %s: %d\n", k, n)
		}
	}
	return b.String()
}

// Judge judges a history. It does not change it.
func Judge(h *History) *Verdict {
	v := &Verdict{Broken: map[Kind]int{}}
	j := &judge{History: h, verdict: v, messages: newMessages(h)}
	j.outcomes()
	j.identities()
	for c := range h.Clients {
		told := 0
		for s := range h.Clients[c].Sessions {
			if s > 0 {
				j.announce(c, s, told)
			}
			told = j.losses(j.readReceipts(c, s))
		}
		if !h.Clients[c].Back {
			v.find(absent(&h.Clients[c], c))
		}
	}
	slices.SortStableFunc(v.Findings, func(a, b Finding) int { return int(a.At - b.At) })
	return v
}

// absent is about a client that did not come back.
func absent(c *Client, number int) Finding {
	f := Finding{Kind: Absent, Client: number, Session: len(c.Sessions) - 1, Detail: "it was never there"}
	if f.Session >= 0 {
		all := c.Sessions[f.Session].Connections
		f.At, f.Detail = all[len(all)-1].Closed, "the run ended without it"
	}
	return f
}

// judge is one judgement.
type judge struct {
	*History
	verdict  *Verdict
	messages *messages
}

func (j *judge) outcomes() {
	for i := range j.Messages {
		switch j.Messages[i].Outcome {
		case Acknowledged:
			j.verdict.Acknowledged++
		case Refused:
			j.verdict.Refused++
		default:
			j.verdict.Unknown++
		}
	}
	j.verdict.Sent = j.verdict.Acknowledged + j.verdict.Unknown
}

// identities looks at the ids of sockets: one belongs to one session.
func (j *judge) identities() {
	type place struct{ client, session int }
	owners := map[string]place{}
	for c := range j.Clients {
		for s := range j.Clients[c].Sessions {
			for n, conn := range j.Clients[c].Sessions[s].Connections {
				here := place{c, s}
				owner, known := owners[conn.SocketID]
				switch {
				case known && owner != here:
					j.verdict.find(Finding{Kind: BadID, Client: c, Session: s, At: conn.Opened,
						Detail: fmt.Sprintf("%s is also that of client %d, session %d", conn.SocketID, owner.client, owner.session)})
				case !known && n > 0:
					j.verdict.find(Finding{Kind: BadID, Client: c, Session: s, At: conn.Opened, Detail: conn.SocketID + " after a recovery"})
				}
				owners[conn.SocketID] = here
				if n > 0 {
					j.verdict.Recovered++
				} else {
					j.verdict.Sessions++
				}
			}
		}
	}
}

// announce notes that a client was told of a loss, by a new session.
func (j *judge) announce(client, session, missed int) {
	before := j.Clients[client].Sessions[session-1].Connections
	j.verdict.Announcements = append(j.verdict.Announcements, Announcement{
		Client: client, At: j.Clients[client].Sessions[session].opened(), Cause: before[len(before)-1].Cause, Missed: missed,
	})
}
