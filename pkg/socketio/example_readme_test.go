package socketio_test

import (
	"log"
	"net/http"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

func Example() {
	io, err := socketio.NewServer(socketio.Config{})
	if err != nil {
		log.Fatal(err)
	}
	io.OnConnect(func(s *socketio.Socket) {
		s.On("say", func(e *socketio.Event) {
			s.Broadcast().Emit("said", e.Args()) // to everybody else, as it came
			e.Ack("ok")
		})
	})
	http.Handle("/socket.io/", io)
	log.Fatal(http.ListenAndServe("localhost:8080", nil))
}
