package checker

import (
	"fmt"
	"slices"
	"strings"
)

// excerptLines bounds the lines before and behind a finding.
const excerptLines = 12

// line is something that a client has seen.
type line struct {
	at   Time
	text string
}

func (l line) String() string { return fmt.Sprintf("  %10.3f s  %s", l.at.Seconds(), l.text) }

// Excerpt is what there is to see of a finding: its message, and what happened to its client
// around it, in some 30 lines; and, in front, when that was in the message's room.
func (h *History) Excerpt(f Finding) string {
	var b strings.Builder
	room := ""
	fmt.Fprintf(&b, "%s\n", f)
	if i := slices.IndexFunc(h.Messages, func(m Message) bool { return m.ID == f.ID }); i >= 0 {
		m := h.Messages[i]
		room = m.Room
		fmt.Fprintf(&b, "  message %s to %s: requested at %.3f s on connection %d of session %d, %s at %.3f s; %s\n",
			m.ID, m.Room, m.Requested.Seconds(), m.Connection, m.Session, m.Outcome, m.Answered.Seconds(), h.arrivals(m.ID))
	}
	if f.Session < 0 {
		return b.String()
	}
	lines := h.lines(f.Client, f.Session)
	middle, _ := slices.BinarySearchFunc(lines, f.At, func(l line, at Time) int {
		if l.at < at {
			return -1
		}
		return 1
	})
	from, to := max(middle-excerptLines, 0), min(middle+excerptLines, len(lines))
	for _, l := range lines[:from] { // how it came to be in the room
		if room != "" && strings.HasSuffix(strings.TrimSuffix(l.text, " requested"), room) {
			fmt.Fprintln(&b, l)
		}
	}
	for _, l := range lines[from:to] {
		fmt.Fprintln(&b, l)
	}
	return b.String()
}

// arrivals says who got a message.
func (h *History) arrivals(id ID) string {
	n, offset := 0, Offset{}
	var first Time
	for c := range h.Clients {
		for s := range h.Clients[c].Sessions {
			for _, r := range h.Clients[c].Sessions[s].Received {
				if r.ID != id {
					continue
				}
				if n++; first == 0 || r.At < first {
					first, offset = r.At, r.Offset
				}
			}
		}
	}
	if n == 0 {
		return "nobody got it"
	}
	return fmt.Sprintf("%d sessions got it, the first at %.3f s, offset %s", n, first.Seconds(), offset)
}

// lines are a session in the order of time.
func (h *History) lines(client, session int) []line {
	s := &h.Clients[client].Sessions[session]
	var lines []line
	add := func(at Time, format string, args ...any) {
		if at != 0 {
			lines = append(lines, line{at, fmt.Sprintf(format, args...)})
		}
	}
	for i, c := range s.Connections {
		add(c.Opened, "connection %d, socket %s", i, c.SocketID)
		add(c.Closed, "connection %d ends: %s", i, c.Cause)
	}
	for _, m := range s.Memberships {
		add(m.JoinRequested, "join %s requested", m.Room)
		add(m.Joined, "joined %s", m.Room)
		add(m.LeaveRequested, "leave %s requested", m.Room)
		add(m.Left, "left %s", m.Room)
	}
	for _, r := range s.Received {
		add(r.At, "got %s, offset %s", r.ID, r.Offset)
	}
	if next := session + 1; next < len(h.Clients[client].Sessions) {
		add(h.Clients[client].Sessions[next].opened(), "a new session begins")
	}
	slices.SortStableFunc(lines, func(a, b line) int { return int(a.at - b.at) })
	return lines
}
