package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/causeway-rt/causeway/pkg/engineio"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// suites serves both protocols, each under the path that its suite asks for.
type suites struct {
	mux    *http.ServeMux
	engine *engineio.Server
	socket *socketio.Server
}

// timings are those that the suites are written for.
var timings = engineio.Config{
	PingInterval:   300 * time.Millisecond,
	PingTimeout:    200 * time.Millisecond,
	UpgradeTimeout: time.Second,
	MaxPayload:     1_000_000,
	AllowedOrigins: []string{"*"}, // the suites also run in a page
}

func newSuites() (*suites, error) {
	cfg := timings
	cfg.OnSession = func(s *engineio.Session) engineio.Receiver { return echo{s} }
	engine, err := engineio.NewServer(cfg)
	if err != nil {
		return nil, fmt.Errorf("raw Engine.IO: %w", err)
	}
	socket, err := socketio.NewServer(socketio.Config{Engine: timings, ConnectTimeout: time.Second})
	if err != nil {
		return nil, fmt.Errorf("Socket.IO: %w", err)
	}
	for _, namespace := range []string{"/", "/custom"} {
		socket.Of(namespace).OnConnect(echoEvents)
	}
	s := &suites{mux: http.NewServeMux(), engine: engine, socket: socket}
	s.mux.Handle("/engine.io/", engine)
	s.mux.Handle("/socket.io/", socket)
	return s, nil
}

func (s *suites) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *suites) close(ctx context.Context) error {
	return errors.Join(s.engine.Close(ctx), s.socket.Close(ctx))
}

// echo sends every message of a raw session back to it.
type echo struct{ session *engineio.Session }

func (e echo) Message(data []byte, binary bool) {
	// An error says that the session has closed meanwhile: nobody to echo to.
	if binary {
		_ = e.session.Send(engineio.NewBinary(data))
		return
	}
	_ = e.session.Send(engineio.NewText(data))
}

func (echo) Closed(engineio.Reason) {}

// echoEvents is what the Socket.IO suite expects of a namespace.
func echoEvents(s *socketio.Socket) {
	s.On("message", func(e *socketio.Event) { _ = s.Emit("message-back", e.Args()) })
	s.On("message-with-ack", func(e *socketio.Event) { _ = e.Ack(e.Args()) })
	auth := s.Handshake().Auth()
	if auth == nil {
		auth = []byte("{}")
	}
	_ = s.Emit("auth", auth)
}
