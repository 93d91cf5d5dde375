package wire

import (
	"errors"
	"testing"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// echo answers acks, and sends events and attachments back.
func echo(s *socketio.Server) {
	s.OnConnect(func(k *socketio.Socket) {
		k.On("echo", func(e *socketio.Event) {
			_ = k.Emit("echoed", "x", 1)
			_ = e.Ack("done")
		})
	})
}

func TestClientConnectsEmitsAndIsAnswered(t *testing.T) {
	url := serve(t, socketio.Config{}, echo)
	c, r := connect(t, Config{URL: url})
	if o := wait(t, r.connected, "Connected"); o.SID == "" || o.Took <= 0 || o.Attempt != 0 {
		t.Errorf("opened %+v", o)
	}
	answers := make(chan string, 1)
	if err := c.EmitAck([]byte(`["echo"]`), func(args []byte, err error) {
		if err != nil {
			t.Error(err)
		}
		answers <- string(args)
	}); err != nil {
		t.Fatal(err)
	}
	if e := wait(t, r.events, "event"); e.name != "echoed" || e.args != `"x",1` {
		t.Errorf("event %+v", e)
	}
	if a := wait(t, answers, "ack"); a != `"done"` {
		t.Errorf("answer %q", a)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := wait(t, r.disconnected, "Disconnected"); !errors.Is(err, ErrClosed) {
		t.Errorf("disconnected: %v", err)
	}
}
