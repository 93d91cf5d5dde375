// Command hello is the first thing a Socket.IO user writes, in Go: a Socket.IO
// server beside the pages of an existing net/http mux, under a path of its own.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

//go:embed page.html
var page []byte

func main() {
	listen := flag.String("listen", "localhost:8080", "where to serve")
	client := flag.String("client", "examples/hello/node_modules/socket.io-client/dist", "directory with socket.io.min.js, for the page")
	flag.Parse()
	if err := run(*listen, *client); err != nil {
		log.Fatal(err)
	}
}

func run(listen, clientDir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ln, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	return serve(ctx, ln, clientDir)
}

// serve answers on ln until ctx ends, and then closes the clients' connections.
func serve(ctx context.Context, ln net.Listener, clientDir string) error {
	io, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		return err
	}
	io.OnConnect(greet)

	mux := http.NewServeMux() // the application's own, with its own pages
	mux.Handle("/live/", io)
	mux.Handle("/client/", http.StripPrefix("/client/", http.FileServer(http.Dir(clientDir))))
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { w.Write(page) })

	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	log.Printf("open http://%s", ln.Addr())
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	fresh, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = io.Close(fresh) // an error says that a client did not take leave in time, and was dropped
	err = srv.Close()
	<-served // http.ErrServerClosed
	return err
}

// greet is called once for each client that connects.
func greet(s *socketio.Socket) {
	log.Printf("%s connected from %s", s.ID(), s.Handshake().Address())
	s.OnDisconnect(func(reason socketio.Reason) { log.Printf("%s left: %s", s.ID(), reason) })
	s.OnError(func(err error) { log.Printf("%s: %v", s.ID(), err) })

	s.On("reply", func(e *socketio.Event) {
		var text string
		if err := e.Bind(&text); err != nil {
			log.Printf("%s sent a reply that is no text: %v", s.ID(), err)
			return
		}
		log.Printf("%s replied: %s", s.ID(), text)
	})

	err := errors.Join(
		s.Join(context.Background(), "lobby"),
		s.To("lobby").Emit("joined", s.ID()), // to the others in it
		s.Emit("message", "Hello World"),
	)
	if err != nil { // it left while it was being greeted
		log.Printf("%s: %v", s.ID(), err)
	}
}
