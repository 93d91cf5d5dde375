package checker

import (
	"maps"
	"strings"
	"testing"
)

// broken is how often each promise is.
type broken = map[Kind]int

func TestBrokenPromisesAreFoundAndCounted(t *testing.T) {
	for name, c := range map[string]struct {
		change func(s *story)
		want   broken
	}{
		"all is well": {func(*story) {}, broken{}},

		"a message of nobody":     {func(s *story) { s.receive(1, 2, 9, 600) }, broken{Unsent: 1}},
		"spoilt content":          {func(s *story) { s.receipt(1, 4).Spoilt = true; s.miss(2, 5) }, broken{Unsent: 1, SilentLoss: 2}},
		"refused, and still came": {func(s *story) { s.message(0, 3).Outcome = Refused }, broken{Unsent: 2}},
		"came before it was sent": {func(s *story) { s.message(0, 5).Requested = 700 * ms; s.message(0, 5).Answered = 702 * ms }, broken{Unsent: 2}},

		"twice on a connection": {func(s *story) { s.receive(1, 0, 5, 600) }, broken{Twice: 1}},
		"twice over a recovery": {func(s *story) {
			s.cut(1, 510)
			s.recover(1, 520, "b")
			s.receive(1, 0, 4, 600)
			s.receive(1, 0, 5, 601)
		}, broken{Twice: 2}},
		"again in a new session": {func(s *story) {
			s.cut(1, 510)
			s.connect(1, 520, "d")
			s.join(1, "r", 521, 522)
			s.receive(1, 0, 5, 600)
		}, broken{Outside: 1}}, // not twice, but not for that session either

		"no offset":            {func(s *story) { s.receipt(1, 4).Offset = Offset{} }, broken{BadOffset: 1}},
		"nobody wants offsets": {func(s *story) { s.receipt(1, 4).Offset, s.Offsets = Offset{}, false }, broken{}},
		"two offsets":          {func(s *story) { s.receipt(2, 4).Offset.Seq = 1 }, broken{BadOffset: 1}},
		"one offset for two":   {func(s *story) { s.receipt(1, 4).Offset.Time, s.receipt(2, 4).Offset.Time = 4, 4 }, broken{BadOffset: 2}},
		"offsets fall": {func(s *story) {
			s.receipt(1, 4).Offset.Time, s.receipt(2, 4).Offset.Time = 0, 0
			s.receipt(1, 4).Offset.Seq, s.receipt(2, 4).Offset.Seq = 7, 7
		}, broken{BadOffset: 2}},
		"offsets fall at a new session": {func(s *story) {
			s.cut(1, 510)
			s.connect(1, 520, "d")
			s.join(1, "r", 521, 522)
			m := s.publish(2, 600)
			m.ID.Number = 1
			s.receive(1, 2, 1, 601)
			s.receive(0, 2, 1, 601)
			s.Clients[0].Sessions[0].Received[0].Offset = Offset{0, 1}
			s.Clients[1].Sessions[1].Received[0].Offset = Offset{0, 1}
		}, broken{}},

		"a connection's order": {func(s *story) {
			for _, c := range []int{1, 2} {
				s.receipt(c, 3).ID, s.receipt(c, 4).ID = s.receipt(c, 4).ID, s.receipt(c, 3).ID
				s.receipt(c, 3).At, s.receipt(c, 4).At = 501*ms, 502*ms
			}
		}, broken{Reordered: 2}},
		"an acknowledged message's order": {func(s *story) {
			for _, c := range []int{1, 2} {
				s.receipt(c, 3).ID, s.receipt(c, 4).ID = s.receipt(c, 4).ID, s.receipt(c, 3).ID
				s.receipt(c, 3).At, s.receipt(c, 4).At = 501*ms, 502*ms
			}
			s.message(0, 5).Connection = 1
		}, broken{Reordered: 2}},
		"no order without an acknowledgement": {func(s *story) {
			for _, c := range []int{1, 2} {
				s.receipt(c, 3).ID, s.receipt(c, 4).ID = s.receipt(c, 4).ID, s.receipt(c, 3).ID
				s.receipt(c, 3).At, s.receipt(c, 4).At = 501*ms, 502*ms
			}
			s.message(0, 5).Connection, s.message(0, 4).Outcome = 1, Unknown
		}, broken{}},

		"a hole":                           {func(s *story) { s.miss(1, 3) }, broken{SilentLoss: 1}},
		"a hole at everybody":              {func(s *story) { s.miss(1, 3); s.miss(2, 3) }, broken{SilentLoss: 2}},
		"the last ones":                    {func(s *story) { s.miss(1, 4, 5) }, broken{SilentLoss: 2}},
		"the last ones of one who is away": {func(s *story) { s.miss(1, 4, 5); s.Clients[1].Back = false }, broken{Absent: 1}},
		"a hole of one who is away":        {func(s *story) { s.miss(1, 4); s.Clients[1].Back = false }, broken{Absent: 1, SilentLoss: 1}},
		"after a recovery, the last ones":  {func(s *story) { s.miss(1, 4, 5); s.cut(1, 350); s.recover(1, 600, "b") }, broken{SilentLoss: 2}},
		"told by a new session":            {func(s *story) { s.miss(1, 4, 5); s.cut(1, 350); s.connect(1, 600, "d") }, broken{}},
		"a hole in front of what was told": {func(s *story) { s.miss(1, 2, 4, 5); s.cut(1, 350); s.connect(1, 600, "d") }, broken{SilentLoss: 1}},
		"one that was refused":             {func(s *story) { s.message(0, 3).Outcome = Refused; s.miss(1, 3); s.miss(2, 3) }, broken{}},
		"one of unknown outcome":           {func(s *story) { s.message(0, 3).Outcome = Unknown; s.miss(1, 3); s.miss(2, 3) }, broken{}},
		"one of unknown outcome, at some":  {func(s *story) { s.message(0, 3).Outcome = Unknown; s.miss(1, 3) }, broken{}},
		"joined later":                     {func(s *story) { s.session(1).Memberships[0].Joined = 250 * ms; s.miss(1, 1, 2) }, broken{}},
		"joined in between":                {func(s *story) { s.session(1).Memberships[0].Joined = 150 * ms; s.miss(1, 1, 2) }, broken{SilentLoss: 1}},
		"no answer to the join":            {func(s *story) { s.session(1).Memberships[0].Joined = 0; s.miss(1, 1, 3, 5) }, broken{}},
		"left before the answer":           {func(s *story) { s.leave(1, 401, 403); s.miss(1, 4, 5) }, broken{}},
		"left before it had to come":       {func(s *story) { s.leave(1, 450, 452); s.miss(1, 4, 5) }, broken{}},
		"left after another had come":      {func(s *story) { s.leave(1, 450, 452); s.miss(1, 3, 5) }, broken{SilentLoss: 1}},
		"left, and joined again":           {func(s *story) { s.leave(1, 150, 152); s.join(1, "r", 350, 352); s.miss(1, 2, 3, 5) }, broken{SilentLoss: 1}},
		"no answer to the leave":           {func(s *story) { s.leave(1, 250, 0); s.miss(1, 3, 5) }, broken{}},

		"another room": {func(s *story) { s.message(0, 3).Room = "q" }, broken{Outside: 2}},
		"sent before the join": {func(s *story) {
			s.session(1).Memberships[0] = Membership{Room: "r", JoinRequested: 103 * ms, Joined: 104 * ms}
			s.receipt(1, 0).At = 105 * ms
		}, broken{Outside: 1}},
		"sent while joining": {func(s *story) {
			s.session(1).Memberships[0] = Membership{Room: "r", JoinRequested: 101 * ms, Joined: 104 * ms}
			s.receipt(1, 0).At = 105 * ms
		}, broken{}},
		"seen by somebody before the join": {func(s *story) {
			s.message(0, 1).Outcome = Unknown
			s.session(1).Memberships[0] = Membership{Room: "r", JoinRequested: 102 * ms, Joined: 104 * ms}
			s.receipt(1, 0).At = 105 * ms
		}, broken{Outside: 1}},
		"requested after the leave":  {func(s *story) { s.leave(1, 450, 460) }, broken{Outside: 1}},
		"requested during the leave": {func(s *story) { s.leave(1, 450, 510) }, broken{}},
		"leave without an answer":    {func(s *story) { s.leave(1, 450, 0) }, broken{}},
		"one's own":                  {func(s *story) { s.receive(0, 0, 5, 501) }, broken{Outside: 1}},
		"one's own of another session": {func(s *story) {
			s.cut(0, 500)
			s.connect(0, 501, "d")
			s.join(0, "r", 501, 502)
			s.message(0, 5).Answered = 503 * ms
			s.receipt(1, 4).At, s.receipt(2, 4).At = 504*ms, 504*ms
			s.receive(0, 0, 5, 504)
		}, broken{}},

		"a shared id":            {func(s *story) { s.Clients[2].Sessions[0].Connections[0].SocketID = "b" }, broken{BadID: 1}},
		"an id of two sessions":  {func(s *story) { s.cut(1, 510); s.connect(1, 520, "b") }, broken{BadID: 1}},
		"an id that has changed": {func(s *story) { s.cut(1, 510); s.recover(1, 520, "x") }, broken{BadID: 1}},
		"never there":            {func(s *story) { s.Clients = append(s.Clients, Client{}) }, broken{Absent: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			s := threeMembers()
			c.change(s)
			v := Judge(&s.History)
			if !maps.Equal(v.Broken, c.want) {
				t.Errorf("%v, expected %v", v.Broken, c.want)
			}
			for _, f := range v.Findings {
				if text := s.Excerpt(f); !strings.Contains(text, string(f.Kind)) {
					t.Errorf("%s", text)
				}
			}
			if v.OK() != (len(c.want) == 0) {
				t.Errorf("OK is %v with %v", v.OK(), v.Broken)
			}
			if v.Expected != v.Got+v.Told+v.Open+v.Broken[SilentLoss] {
				t.Errorf("%d expected, but %d got, %d told, %d open, %d lost", v.Expected, v.Got, v.Told, v.Open, v.Broken[SilentLoss])
			}
		})
	}
}

func TestWhatIsNotCertainIsCounted(t *testing.T) {
	s := threeMembers()
	s.miss(1, 4, 5) // told
	s.cut(1, 350)
	s.connect(1, 600, "d")
	s.leave(2, 450, 452) // 4 is open, 5 is of nobody's concern
	s.miss(2, 4, 5)
	s.message(0, 2).Outcome = Unknown
	s.miss(2, 2) // partial
	v := Judge(&s.History)
	if !v.OK() {
		t.Fatal(v.Findings)
	}
	if v.Expected != 7 || v.Got != 4 || v.Told != 2 || v.Open != 1 || v.Partial != 1 {
		t.Errorf("%d expected, %d got, %d told, %d open, %d partial", v.Expected, v.Got, v.Told, v.Open, v.Partial)
	}
	if v.Acknowledged != 4 || v.Unknown != 1 || v.Sessions != 4 || v.Received != 5 {
		t.Errorf("%+v", v)
	}
	if len(v.Announcements) != 1 || v.Announcements[0] != (Announcement{Client: 1, At: 600 * ms, Cause: "cut", Missed: 2}) {
		t.Errorf("announced: %+v", v.Announcements)
	}
	for _, text := range []string{"4 acknowledged, 1 unknown", "4 new", "1 losses announced", "2 told"} {
		if !strings.Contains(v.String(), text) {
			t.Errorf("no %q in:\n%s", text, v)
		}
	}
}

func TestFindingsAreBounded(t *testing.T) {
	s := threeMembers()
	for range 50 {
		s.receive(1, 0, 5, 600)
	}
	v := Judge(&s.History)
	if v.Broken[Twice] != 50 || len(v.Findings) != maxFindings {
		t.Errorf("%d counted, %d kept", v.Broken[Twice], len(v.Findings))
	}
	if n := strings.Count(s.Excerpt(v.Findings[0]), "\n"); n > 45 {
		t.Errorf("an excerpt of %d lines", n)
	}
}
