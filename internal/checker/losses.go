package checker

import "fmt"

// losses looks for what a session had to get and did not. told is how many of those messages
// the next session's beginning has told the client about.
func (j *judge) losses(t *track) (told int) {
	for _, in := range t.Memberships {
		if in.Joined == 0 {
			continue
		}
		until := t.end
		if in.LeaveRequested != 0 {
			until = in.LeaveRequested // which is of this session
		}
		for _, m := range j.messages.requestedWithin(in.Room, in.Joined, until) {
			if m.ID.Publisher == t.client && m.Session == t.session {
				continue
			}
			told += j.loss(t, in, m)
		}
	}
	return told
}

// loss judges a message that was requested while the client was a member.
func (j *judge) loss(t *track, in Membership, m *message) (told int) {
	settled := m.settled()
	if settled == 0 || m.Outcome == Refused {
		return 0 // nobody got it, and nobody was promised it
	}
	if in.LeaveRequested != 0 && settled > in.LeaveRequested {
		return 0 // it may have been sent after the client left
	}
	promised := m.Outcome == Acknowledged
	got := t.got[m.ID]
	if promised {
		j.verdict.Expected++
	}
	switch {
	case got && promised:
		j.verdict.Got++
	case got:
	case t.passed(m, in.LeaveRequested) || in.LeaveRequested == 0 && t.end == 0 && j.Clients[t.client].Back:
		if !promised {
			j.verdict.Partial++
			return 0
		}
		j.verdict.find(Finding{Kind: SilentLoss, Client: t.client, Session: t.session, ID: m.ID, At: m.Requested,
			Detail: fmt.Sprintf("room %s; acknowledged at %.3f s, offset %s, came first at %.3f s", m.Room, m.Answered.Seconds(), m.offset, m.came.Seconds())})
	case !promised:
	case t.end != 0:
		j.verdict.Told++
		return 1
	default:
		j.verdict.Open++
	}
	return 0
}
