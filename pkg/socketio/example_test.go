package socketio_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net/http"
	"regexp"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// A chat server in an existing program: clients join rooms and talk in them.
func Example_chat() {
	io, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		log.Fatal(err)
	}
	io.OnConnect(func(s *socketio.Socket) {
		log.Println("connected", s.ID(), s.Handshake().Address())
		s.OnDisconnect(func(r socketio.Reason) { log.Println("gone", s.ID(), r) })
	})
	io.On("join", func(e *socketio.Event) {
		room, _ := e.Arg(0).String()
		_ = e.Ack(e.Socket().Join(context.Background(), room) == nil)
	})
	io.On("say", func(e *socketio.Event) {
		room, _ := e.Arg(0).String()
		_ = e.Socket().To(room).Emit("said", e.Arg(1))
	})
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", io)
	_ = &http.Server{Addr: ":3000", Handler: mux, ReadHeaderTimeout: 10 * time.Second} // ListenAndServe
}

// A middleware decides who may come in, and says why not.
func ExampleNamespace_Use() {
	io, _ := socketio.NewServer(socketio.Config{})
	defer io.Close(context.Background())
	io.Of("/admin").Use(func(s *socketio.Socket) error {
		var auth struct{ Token string }
		if err := s.Handshake().BindAuth(&auth); err != nil || auth.Token != "secret" {
			return &socketio.ConnectError{Message: "unauthorized", Data: map[string]int{"code": 401}}
		}
		s.SetData("admin")
		return nil
	})
}

// Arguments are decoded when they are asked for, and answered by an ack.
func ExampleEvent_Bind() {
	io, _ := socketio.NewServer(socketio.Config{})
	defer io.Close(context.Background())
	io.On("add", func(e *socketio.Event) {
		var a, b int
		if err := e.Bind(&a, &b); err != nil {
			_ = e.Ack(map[string]string{"error": err.Error()})
			return
		}
		_ = e.Ack(a + b)
	})
}

// Asking a client, with a time limit.
func ExampleSocket_EmitWithAck() {
	io, _ := socketio.NewServer(socketio.Config{})
	defer io.Close(context.Background())
	io.OnConnect(func(s *socketio.Socket) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		reply, err := s.EmitWithAck(ctx, "how are you?")
		if errors.Is(err, socketio.ErrAckTimeout) {
			return
		}
		var mood string
		_ = reply.Bind(&mood)
	})
}

// Broadcasts are addressed by rooms, on all nodes.
func ExampleEmitter() {
	io, _ := socketio.NewServer(socketio.Config{})
	defer io.Close(context.Background())
	everybody := io.To("news", "sports").Except("muted")
	_ = everybody.Emit("score", map[string]int{"home": 2, "away": 1})
	_ = everybody.Volatile().Emit("tick", socketio.Binary{1, 2, 3})
}

// A namespace for each tenant, opened when the first client asks for it.
func ExampleServer_OfPattern() {
	io, _ := socketio.NewServer(socketio.Config{CleanupEmptyNamespaces: true})
	defer io.Close(context.Background())
	tenants := io.OfPattern(regexp.MustCompile(`^/tenant-[a-z]+$`))
	tenants.OnConnect(func(s *socketio.Socket) { _ = s.Emit("welcome", s.Namespace().Name()) })
	io.OfFunc(func(name string, auth json.RawMessage) bool { return name == "/beta" && auth != nil })
}

// Several nodes in one process: an emit on one reaches the sockets of all.
func ExampleBus() {
	bus := socketio.NewBus()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	for range 2 {
		io, _ := socketio.NewServer(socketio.Config{Adapter: bus.Adapter()})
		go func() { ended <- errors.Join(io.Run(ctx), io.Close(context.Background())) }()
	}
	cancel()
	fmt.Println(<-ended, <-ended)
	// Output: <nil> <nil>
}
