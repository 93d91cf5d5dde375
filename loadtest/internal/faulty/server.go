package faulty

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/engineio"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// Faults is what a server does wrong. Shares are of deliveries, from 0 to 1. The zero
// value does nothing wrong.
type Faults struct {
	Lose   float64
	Repeat float64
	// Swap exchanges a delivery with the next one to the same socket from the same
	// publisher in the same room, if that comes within HoldFor.
	Swap float64
	// CorruptHeader changes a byte in the part of the payload that says which message it
	// is, CorruptBody one behind it. The payload is the first argument of the published
	// event, a string or an attachment.
	CorruptHeader float64
	CorruptBody   float64
	// Stray is, of the publications to a room, the share that also goes to a socket that
	// has left it.
	Stray float64
	// MostInRoom is how many publications to a room are delivered: those after them are
	// lost. 0 means all.
	MostInRoom int

	// Grace is how long nothing is done to a socket that has joined a room, or left it: as
	// long as what was published before its client knew that may be on its way. 0 means
	// none.
	Grace time.Duration
	// HoldFor is how long a delivery that is to be swapped waits. 0 means 1 s.
	HoldFor time.Duration
	// Echo delivers to the publisher too, if it is in the room.
	Echo bool
	// Mute answers nothing: no join, no leave, no publish.
	Mute bool
	// Seed chooses who is hit. The same seed and the same order of events are the same.
	Seed uint64
}

// Done is what a server has done.
type Done struct {
	Deliveries       int64 // were due: published while the socket was in the room
	Lost             int64
	Repeated         int64
	Swapped          int64
	CorruptedHeaders int64
	CorruptedBodies  int64
	Strays           int64 // besides Deliveries
}

// Server is a running one. Its methods may be called from any goroutine.
type Server struct {
	url    string
	faults Faults

	// Guarded by mu, which is held while events are handed to the sockets' queues, so
	// that each socket gets its deliveries in the order of their publication.
	mu     sync.Mutex
	rand   *rand.Rand
	rooms  map[string]*room
	held   map[heldBy]*delivery
	counts Done
	closed bool
}

// room has the time since which a socket is in it, or is not any more.
type room struct {
	members, left map[*socketio.Socket]time.Time
	published     int
}

// Start runs a server on a free port of the loopback until the test ends.
func Start(tb testing.TB, f Faults) *Server {
	tb.Helper()
	if f.HoldFor == 0 {
		f.HoldFor = time.Second
	}
	s := &Server{
		faults: f,
		rand:   rand.New(rand.NewPCG(f.Seed, 1)),
		rooms:  make(map[string]*room),
		held:   make(map[heldBy]*delivery),
	}
	io, err := socketio.NewServer(socketio.Config{
		Engine: engineio.Config{MaxQueueBytes: 256 << 20, MaxQueueMessages: 1 << 20, MaxPayload: 16 << 20},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		tb.Fatal(err)
	}
	io.On("join", s.join)
	io.On("leave", s.leave)
	io.On("publish", s.publish)
	io.On("echo", func(e *socketio.Event) { s.answer(e, e.Args()) })
	io.OnDisconnect(func(sock *socketio.Socket, _ socketio.Reason) { s.gone(sock) })

	ln := listen(tb)
	s.url = "http://" + ln.Addr().String()
	server := &http.Server{Handler: io, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(ln) // until Close
	}()
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		s.dropHeld()
		if err := io.Close(ctx); err != nil {
			tb.Errorf("close the faulty server: %v", err)
		}
		server.Close()
		<-served
	})
	return s
}

func listen(tb testing.TB) net.Listener {
	tb.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	return ln
}

// URL is where the server is: http, host and port.
func (s *Server) URL() string { return s.url }

// Done returns what the server has done so far.
func (s *Server) Done() Done {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts
}

var (
	answerOK      = map[string]any{"ok": true}
	answerInvalid = map[string]any{"ok": false, "error": "invalid"}
)

func (s *Server) answer(e *socketio.Event, args ...any) {
	if e.WantsAck() && !s.faults.Mute {
		_ = e.Ack(args...) // a client that has gone needs none
	}
}

func (s *Server) join(e *socketio.Event) {
	name, ok := e.Arg(0).String()
	if !ok {
		s.answer(e, answerInvalid)
		return
	}
	s.mu.Lock()
	r := s.rooms[name]
	if r == nil {
		r = &room{members: make(map[*socketio.Socket]time.Time), left: make(map[*socketio.Socket]time.Time)}
		s.rooms[name] = r
	}
	if _, in := r.members[e.Socket()]; !in {
		r.members[e.Socket()] = time.Now()
	}
	delete(r.left, e.Socket())
	s.mu.Unlock()
	s.answer(e, answerOK)
}

func (s *Server) leave(e *socketio.Event) {
	name, _ := e.Arg(0).String()
	s.mu.Lock()
	if r := s.rooms[name]; r != nil {
		if _, in := r.members[e.Socket()]; in {
			s.releaseTo(e.Socket(), name)
			delete(r.members, e.Socket())
			r.left[e.Socket()] = time.Now()
		}
	}
	s.mu.Unlock()
	s.answer(e, answerOK)
}

// gone forgets a socket whose connection has ended.
func (s *Server) gone(sock *socketio.Socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rooms {
		delete(r.members, sock)
		delete(r.left, sock)
	}
	for by, d := range s.held {
		if by.to == sock {
			d.timer.Stop()
			delete(s.held, by)
		}
	}
}
