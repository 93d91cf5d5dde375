package engineio

import (
	"testing"
	"testing/synctest"
	"time"
)

// A pong that is handed on while its session ends must not undo the closing wait: that
// session would never leave the map.
func TestPongDuringCloseDoesNotKeepTheSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, Config{})
		p := w.openPolling()
		p.peer.beat.Store(beatPong)
		p.peer.Close(ReasonForcedClose)
		p.peer.receive(packet{kind: packetPong})
		time.Sleep(pollLinger + time.Nanosecond)
		synctest.Wait()
		if n := w.server.count(); n != 0 {
			t.Errorf("%d sessions after the closing wait", n)
		}
	})
}
