package checker

import (
	"slices"
	"time"
)

const ms = time.Millisecond

// story is a history that a test writes by hand. Times are in milliseconds.
type story struct{ History }

// threeMembers are clients that are in room r from 3 ms on, and exchange a message of client 0
// each 100 ms, five in all: message n is requested at n*100, acknowledged 2 ms later, and
// reaches both others after 1 ms with offset n-0.
func threeMembers() *story {
	s := &story{History{Offsets: true}}
	for range 3 {
		s.Clients = append(s.Clients, Client{Back: true})
	}
	for c := range s.Clients {
		s.connect(c, 1, string(rune('a'+c)))
		s.join(c, "r", 2, 3)
	}
	for n := 1; n <= 5; n++ {
		s.publish(0, n*100)
		for _, c := range []int{1, 2} {
			s.receive(c, 0, n, n*100+1)
		}
	}
	return s
}

// session returns the newest of a client.
func (s *story) session(c int) *Session {
	all := s.Clients[c].Sessions
	return &all[len(all)-1]
}

func (s *story) connect(c, at int, id string) {
	s.Clients[c].Sessions = append(s.Clients[c].Sessions, Session{})
	s.recover(c, at, id)
}

func (s *story) recover(c, at int, id string) {
	x := s.session(c)
	x.Connections = append(x.Connections, Connection{SocketID: id, Opened: Time(at) * ms})
}

func (s *story) cut(c, at int) {
	all := s.session(c).Connections
	all[len(all)-1].Closed, all[len(all)-1].Cause = Time(at)*ms, "cut"
}

func (s *story) join(c int, room string, requested, joined int) {
	x := s.session(c)
	x.Memberships = append(x.Memberships, Membership{Room: room, JoinRequested: Time(requested) * ms, Joined: Time(joined) * ms})
}

// leave ends the newest membership.
func (s *story) leave(c, requested, left int) {
	all := s.session(c).Memberships
	all[len(all)-1].LeaveRequested, all[len(all)-1].Left = Time(requested)*ms, Time(left)*ms
}

// publish adds a message to r that is acknowledged 2 ms later.
func (s *story) publish(c, at int) *Message {
	n := 1
	for _, m := range s.Messages {
		if m.ID.Publisher == c {
			n++
		}
	}
	s.Messages = append(s.Messages, Message{
		ID: ID{c, n}, Room: "r", Requested: Time(at) * ms, Answered: Time(at+2) * ms, Outcome: Acknowledged,
		Session: len(s.Clients[c].Sessions) - 1, Connection: len(s.session(c).Connections) - 1,
	})
	return &s.Messages[len(s.Messages)-1]
}

func (s *story) message(publisher, number int) *Message {
	i := slices.IndexFunc(s.Messages, func(m Message) bool { return m.ID == ID{publisher, number} })
	return &s.Messages[i]
}

// receive adds a receipt with the message's number as offset.
func (s *story) receive(c, publisher, number, at int) {
	x := s.session(c)
	x.Received = append(x.Received, Receipt{ID: ID{publisher, number}, Offset: Offset{Time: uint64(number)}, At: Time(at) * ms})
}

// receipt returns what a client got in its nth place, from 0.
func (s *story) receipt(c, n int) *Receipt { return &s.Clients[c].Sessions[0].Received[n] }

// miss takes receipts of a client away.
func (s *story) miss(c int, numbers ...int) {
	x := s.session(c)
	x.Received = slices.DeleteFunc(x.Received, func(r Receipt) bool { return slices.Contains(numbers, r.ID.Number) })
}
