package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/causeway-rt/causeway/internal/checker"
	"github.com/causeway-rt/causeway/internal/wire"
)

// member is a client that is in some rooms, and talks to them.
type member struct {
	number    int
	rec       *checker.Recorder
	note      func(format string, args ...any) // adds to the timeline
	transport wire.Transport
	network   *way
	client    *wire.Client
	random    *rand.Rand // owned by live

	mu sync.Mutex // held while something is sent, so that what is recorded belongs to one connection
	// Guarded by mu.
	up     bool
	rooms  map[string]*stay    // those the member wants to be in, and those it wants to leave
	got    map[checker.ID]bool // markers
	failed error               // of the last attempt to come back
}

// stay is what a member knows of a room.
type stay struct {
	wanted bool
	in     bool // the service has confirmed it in this session
	asked  bool // an answer is awaited
}

// startMember connects a client through a network of its own.
func startMember(w *world, number int) (*member, error) {
	m := &member{
		number: number, rec: w.rec, note: w.note, transport: w.cfg.transport(number),
		rooms: map[string]*stay{}, got: map[checker.ID]bool{},
		random: rand.New(rand.NewPCG(w.cfg.Seed, uint64(number))),
	}
	for _, room := range w.cfg.rooms(m.random, 3) {
		m.rooms[room] = &stay{wanted: true}
	}
	var err error
	if m.network, err = openWay(w.balance); err != nil {
		return nil, err
	}
	m.client, err = wire.Dial(context.Background(), wire.Config{
		URL: "http://" + m.network.address, Transport: m.transport, Handler: m,
		Timeout: 10 * time.Second, AckTimeout: 15 * time.Second,
		Reconnect:     &wire.Backoff{Delay: 100 * time.Millisecond, Max: 2 * time.Second},
		ReceiveBuffer: 8 << 10, // so that one who reads slowly is noticed
	})
	return m, err
}

// balance leads to the nodes one after the other, but for those that refuse.
func (w *world) balance() (net.Conn, error) {
	var last error
	for range w.nodes {
		n := w.nodes[int(w.turn.Add(1))%len(w.nodes)]
		c, err := net.DialTimeout("tcp", n.public, time.Second)
		if err == nil {
			return c, nil
		}
		last = err
	}
	return nil, last
}

// Connected records the beginning of a connection.
func (m *member) Connected(_ *wire.Client, o wire.Opened) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rec.Connected(m.number, o.SID, o.Recovered)
	m.up = true
	if !o.Recovered {
		for _, s := range m.rooms {
			s.in = false
		}
	}
}

// Disconnected records the end.
func (m *member) Disconnected(_ *wire.Client, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rec.Disconnected(m.number, wire.Class(err))
	m.up = false
}

// Failed notes what keeps the member away for good; otherwise the next attempt follows.
func (m *member) Failed(_ *wire.Client, err error) {
	if refusal := (*wire.ConnectError)(nil); errors.As(err, &refusal) {
		m.note("client %d was refused: %v", m.number, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failed = err
}

// The events that members send each other.
const (
	ordinary = "m"
	marker   = "end" // of the quiet end: what is waited for
)

// Event records a message.
func (m *member) Event(_ *wire.Client, e *wire.Event) {
	var (
		id           checker.ID
		text, offset string
		at           checker.Offset
	)
	args := []any{&id.Publisher, &id.Number, &text, &offset}
	err := json.Unmarshal(append(append([]byte{'['}, e.Args...), ']'), &args)
	if offset != "" {
		_, bad := fmt.Sscanf(offset, "%d-%d", &at.Time, &at.Seq)
		err = errors.Join(err, bad)
	}
	name := string(e.Name)
	m.rec.Received(m.number, id, at, err != nil || len(args) > 4 || name != ordinary && name != marker || text != textOf(id))
	if name == marker {
		m.mu.Lock()
		m.got[id] = true
		m.mu.Unlock()
	}
}

// textOf is what a message says, by which a spoilt one is told: 20 to 300 bytes, now and then
// 4,000.
func textOf(id checker.ID) string {
	n := 20 + (id.Number*37+id.Publisher)%280
	if id.Number%50 == 0 {
		n = 4000
	}
	return strings.Repeat(fmt.Sprintf("%d.%d,", id.Publisher, id.Number), n)[:n]
}

// errNotSent is the answer to what was not sent at all.
var errNotSent = errors.New("not connected")

// ask sends an event. prepare is called on the connection that carries it, and returns the
// event and what is told the answer: the code of a refusal, "" for none, or an error.
func (m *member) ask(prepare func() (array []byte, answered func(code string, err error))) {
	m.mu.Lock()
	if !m.up {
		m.mu.Unlock()
		return
	}
	array, answered := prepare()
	err := m.client.EmitAck(array, func(args []byte, err error) {
		answer := struct {
			OK    bool
			Error string
		}{}
		if err == nil {
			err = json.Unmarshal(args, &answer)
		}
		if err == nil && !answer.OK && answer.Error == "" {
			err = fmt.Errorf("answered %s", args)
		}
		answered(answer.Error, err)
	})
	m.mu.Unlock()
	switch {
	case errors.Is(err, wire.ErrNotConnected), errors.Is(err, wire.ErrQueueFull):
		answered("", errNotSent)
	case err != nil:
		answered("", err)
	}
}
