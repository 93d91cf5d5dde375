package plan

import "time"

// Scenario is a way to load a server, by name. It is where a group starts from: what
// a plan says of the group replaces single fields.
type Scenario struct {
	Name string
	// Does is a paragraph for help: what clients do, and what is measured.
	Does string
	// Rate is what --rate sets: rate, request_rate or arrivals.
	Rate string

	fill func(g *Group)
}

// Scenarios are all there are, from simple to mixed.
var Scenarios = []Scenario{
	{Name: "idle", Rate: "arrivals", Does: "Clients connect and stay, and nobody says anything. Shows how " +
		"fast connections are accepted, and what one costs the server in memory and pings. With --rate, that " +
		"many clients arrive each second, and each stays for --stay.",
		fill: func(*Group) {}},
	{Name: "fanout", Rate: "rate", Does: "All clients are in one room, and one publisher, who is not, sends " +
		"to it. Shows deliveries per second and their latency. --window 16 sends as fast as 16 " +
		"messages on their way allow: the highest throughput.",
		fill: func(g *Group) {
			g.Rooms, g.RoomsEach, g.Publishers = 1, 1, 1
			g.Rate = 10
		}},
	{Name: "chat", Rate: "rate", Does: "Rooms of ten, in which each member says something every ten seconds, " +
		"mostly short. Shows delivery latency when messages come from everywhere, and the audit finds what is " +
		"lost, repeated or out of order.",
		fill: chat},
	{Name: "ack", Rate: "request_rate", Does: "Each client asks for an ack, waits for the answer, thinks about " +
		"a second, and asks again. Shows round trips. --rate asks at an even pace whether or not answers have " +
		"come; --think 0s asks again at once.",
		fill: func(g *Group) {
			g.Requests = true
			g.Think = ExpTime(time.Second)
		}},
	{Name: "churn", Rate: "rate", Does: "A chat with members that leave and join again every ten seconds or so, " +
		"and whose connections end after half a minute or so, when others take their places. Shows what joins " +
		"and connects cost, and that nobody gets what was said after leaving.",
		fill: func(g *Group) {
			chat(g)
			g.Rejoin = ExpTime(10 * time.Second)
			g.Stay = ExpTime(30 * time.Second)
		}},
	{Name: "storm", Rate: "rate", Does: "A chat in which every ten seconds half of the clients lose their TCP " +
		"connections, cannot connect for two, and all come back as the official client does. Shows how long " +
		"the way back into the rooms takes, and that those who stayed lose nothing.",
		fill: func(g *Group) {
			chat(g)
			g.Cut = Cut{Share: .5, Every: 10 * time.Second, For: 2 * time.Second}
		}},
	{Name: "slow", Rate: "rate", Does: "A fanout of 200 KiB each second, of which one client in twenty reads " +
		"only 1 KiB. Shows whether the others notice, and when the server closes those that do not keep up.",
		fill: func(g *Group) {
			g.Rooms, g.RoomsEach, g.Publishers = 1, 1, 1
			g.Rate = 50
			g.Payload = Size(4 << 10)
			g.Slow = Slow{Share: .05, BytesPerSecond: 1 << 10}
		}},
	{Name: "mixed", Rate: "rate", Does: "Everything at once, as in a day of a real server: a chat over all " +
		"transports, two rooms each, with requests, members that come and go, networks that fail for one client " +
		"in ten, and one in a hundred that reads slowly.",
		fill: func(g *Group) {
			chat(g)
			g.Transport = []string{"websocket", "upgrade", "websocket", "polling"}
			g.RoomsEach = 2
			g.Requests = true
			g.Think = ExpTime(10 * time.Second)
			g.Rejoin = ExpTime(30 * time.Second)
			g.Stay = ExpTime(2 * time.Minute)
			g.Cut = Cut{Share: .1, Every: 15 * time.Second, For: 2 * time.Second}
			g.Slow = Slow{Share: .01, BytesPerSecond: 1 << 10}
		}},
}

// roomSize is how many clients share a room of a chat.
const roomSize = 10

func chat(g *Group) {
	g.Rooms = max(g.Clients/roomSize, 1)
	g.RoomsEach = 1
	g.Rate = float64(g.Clients) / 10
	g.Payload, _ = ParseDist("mix(80:32..128, 18:128..512, 2:1k..4k)")
}

// DefaultClients is how many clients a group has that does not say.
const DefaultClients = 100

// Default is the group of a scenario with so many clients: some numbers depend on
// theirs. ok is false if there is no such scenario.
func Default(scenario string, clients int) (g Group, ok bool) {
	s, ok := find(scenario)
	if !ok {
		return Group{}, false
	}
	g = Group{Name: s.Name, Scenario: s.Name, Clients: clients, Transport: []string{"websocket"}, Payload: Size(128)}
	s.fill(&g)
	return g, true
}

func find(scenario string) (Scenario, bool) {
	for _, s := range Scenarios {
		if s.Name == scenario {
			return s, true
		}
	}
	return Scenario{}, false
}
