package main

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// events are the handlers that every namespace has, and what they remember.
type events struct {
	io *socketio.Server

	mu      sync.Mutex
	reasons map[string]string            // Guarded by mu. Of sockets that have gone, by id.
	waiting map[string][]*socketio.Event // Guarded by mu. Questions about sockets that have not.
}

// host is a namespace, or a rule by which namespaces open.
type host interface {
	Use(middleware func(*socketio.Socket) error)
	OnConnect(f func(*socketio.Socket))
}

func newEvents(io *socketio.Server) {
	e := &events{io: io, reasons: map[string]string{}, waiting: map[string][]*socketio.Event{}}
	for _, h := range []host{
		io.Of("/"),
		io.Of("/custom"),
		guarded(io.Of("/guarded")),
		slow(io.Of("/slow-auth")),
		io.OfPattern(regexp.MustCompile(`^/dyn-\w+$`)),
		io.OfFunc(admits),
	} {
		h.OnConnect(e.connected)
	}
}

func guarded(n *socketio.Namespace) host {
	n.Use(func(s *socketio.Socket) error {
		var auth struct{ Token string }
		if err := s.Handshake().BindAuth(&auth); err == nil && auth.Token == "secret" {
			return nil
		}
		return &socketio.ConnectError{Message: "not authorized", Data: map[string]any{"code": 401, "hint": "ask for a token ✓"}}
	})
	return n
}

func slow(n *socketio.Namespace) host {
	n.Use(func(*socketio.Socket) error {
		time.Sleep(300 * time.Millisecond)
		return nil
	})
	return n
}

func admits(name string, auth json.RawMessage) bool {
	var a struct{ Admit bool }
	return strings.HasPrefix(name, "/fn-") && json.Unmarshal(auth, &a) == nil && a.Admit
}

func (e *events) connected(s *socketio.Socket) {
	auth := s.Handshake().Auth()
	if auth == nil {
		auth = json.RawMessage("{}")
	}
	_ = s.Emit("auth", auth)
	s.OnDisconnect(func(r socketio.Reason) { e.gone(s.ID(), string(r)) })
	s.On("reason-of", e.reasonOf)
	answerEvents(s)
	questionEvents(s)
	roomEvents(s)
	faultEvents(s)
	countEvents(s)
}

func (e *events) gone(id, reason string) {
	e.mu.Lock()
	e.reasons[id] = reason
	waiting := e.waiting[id]
	delete(e.waiting, id)
	e.mu.Unlock()
	for _, question := range waiting {
		_ = question.Ack(reason)
	}
}

// reasonOf answers why a socket has gone, when it has.
func (e *events) reasonOf(question *socketio.Event) {
	id := text(question, 0)
	e.mu.Lock()
	reason, known := e.reasons[id]
	if !known {
		e.waiting[id] = append(e.waiting[id], question)
	}
	e.mu.Unlock()
	if known {
		_ = question.Ack(reason)
	}
}

// text returns an argument that is a string, or "".
func text(e *socketio.Event, i int) string {
	s, _ := e.Arg(i).String()
	return s
}

// answerEvents give back what they get.
func answerEvents(s *socketio.Socket) {
	s.On("echo", func(e *socketio.Event) { _ = s.Emit("echo-back", e.Args().From(0)) })
	s.On("echo-ack", func(e *socketio.Event) { _ = e.Ack(e.Args().From(0)) })
	s.On("say", func(e *socketio.Event) { _ = s.Emit(text(e, 0), e.Args().From(1)) })
	s.On("volatile", func(e *socketio.Event) {
		_ = s.Volatile().Emit(text(e, 0), e.Args().From(1))
		_ = e.Ack()
	})
	s.On("namespace", func(e *socketio.Event) { _ = e.Ack(s.Namespace().Name()) })
	s.On("handshake", func(e *socketio.Event) {
		h := s.Handshake()
		_ = e.Ack(map[string]any{
			"plan": h.Query().Get("plan"), "trial": h.Headers().Get("X-Trial"), "address": h.Address(), "secure": h.Secure(),
		})
	})
}

// questionEvents make the server ask its client.
func questionEvents(s *socketio.Socket) {
	s.On("ask", func(e *socketio.Event) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if reply, err := s.EmitWithAck(ctx, text(e, 0), e.Args().From(1)); err == nil {
			_ = s.Emit("asked", reply.From(0))
		}
	})
	s.On("ask-inside", func(e *socketio.Event) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if reply, err := s.EmitWithAck(ctx, text(e, 0), e.Args().From(1)); err == nil {
			_ = e.Ack(reply.From(0))
		}
	})
	s.On("ask-late", func(e *socketio.Event) {
		var milliseconds int
		_ = e.Bind(&milliseconds)
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(milliseconds)*time.Millisecond)
		defer cancel()
		_, err := s.EmitWithAck(ctx, text(e, 1))
		_ = s.Emit("asked-late", outcome(err))
	})
	s.On("broadcast-ack", func(e *socketio.Event) {
		var milliseconds int
		_ = e.Bind(&milliseconds)
		wait := time.Duration(milliseconds) * time.Millisecond
		replies, err := s.Namespace().To(text(e, 1)).Timeout(wait).EmitWithAck(context.Background(), text(e, 2), e.Args().From(3))
		answers := make([]any, len(replies))
		for i, r := range replies {
			answers[i] = r.Arg(0)
		}
		_ = e.Ack(outcome(err), answers)
	})
}

// outcome is what the reference calls an error, nil if there is none.
func outcome(err error) any {
	if errors.Is(err, socketio.ErrAckTimeout) || errors.Is(err, context.DeadlineExceeded) {
		return "operation has timed out"
	}
	if err != nil {
		return err.Error()
	}
	return nil
}

// roomEvents are the gateway's relay events, and what else emitters can do.
func roomEvents(s *socketio.Socket) {
	on := func(event string, do func(e *socketio.Event) error) {
		s.On(event, func(e *socketio.Event) { _ = e.Ack(map[string]bool{"ok": do(e) == nil}) })
	}
	on("join", func(e *socketio.Event) error { return s.Join(context.Background(), text(e, 0)) })
	on("leave", func(e *socketio.Event) error { return s.Leave(context.Background(), text(e, 0)) })
	on("publish", func(e *socketio.Event) error { return s.To(text(e, 0)).Emit(text(e, 1), e.Args().From(2)) })
	on("to", func(e *socketio.Event) error { return s.To(text(e, 0)).Emit(text(e, 1), e.Args().From(2)) })
	on("in", func(e *socketio.Event) error { return s.Namespace().In(text(e, 0)).Emit(text(e, 1), e.Args().From(2)) })
	on("to-both", func(e *socketio.Event) error {
		return s.To(text(e, 0)).To(text(e, 1)).Emit(text(e, 2), e.Args().From(3))
	})
	on("except", func(e *socketio.Event) error {
		return s.Namespace().To(text(e, 0)).Except(text(e, 1)).Emit(text(e, 2), e.Args().From(3))
	})
}

// faultEvents are what handlers should not do.
func faultEvents(s *socketio.Socket) {
	s.On("kick", func(e *socketio.Event) {
		var closeConnection bool
		_ = e.Bind(&closeConnection)
		s.Disconnect(closeConnection)
	})
	s.On("slow", func(e *socketio.Event) {
		var milliseconds int
		_ = e.Bind(&milliseconds)
		time.Sleep(time.Duration(milliseconds) * time.Millisecond)
		_ = e.Ack()
	})
	s.On("panic", func(*socketio.Event) { panic("asked to") })
	// A buffer of the server's beside an argument of the client's.
	s.On("with-buffer", func(e *socketio.Event) { _ = s.Emit("mixed", e.Args().From(0), socketio.Binary("server")) })
}

// countEvents follow a sequence of numbers from 0. The handlers of one socket
// run one at a time.
func countEvents(s *socketio.Socket) {
	count, firstWrong := 0, -1
	s.On("seq", func(e *socketio.Event) {
		var i int
		if err := e.Bind(&i); (err != nil || i != count) && firstWrong < 0 {
			firstWrong = count
		}
		count++
		_ = s.Emit("seq", e.Args().From(0))
		_ = e.Ack()
	})
	s.On("seqs", func(e *socketio.Event) { _ = e.Ack(map[string]int{"count": count, "firstWrong": firstWrong}) })
}
