package engineio

import (
	"net/http"
	"testing"
	"testing/synctest"
)

func TestHeadersAreAskedForEachAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, Config{Headers: func(h http.Header, r *http.Request, initial bool) {
			h.Set("X-Initial", map[bool]string{true: "yes", false: "no"}[initial])
		}})
		expect := func(what string, h http.Header, want string) {
			t.Helper()
			if got := h.Get("X-Initial"); got != want {
				t.Errorf("%s: %q, want %q", what, got, want)
			}
		}
		first := w.get(pollingQuery)
		expect("handshake", first.header, "yes")
		p := &poller{world: w, query: pollingQuery + "&sid=" + parseOpen(t, first.body).SID, peer: w.session()}
		expect("POST", p.post("4a").header, "no")
		_ = p.peer.Send(NewText(nil))
		expect("GET", p.poll().header, "no")
		_, resp := w.handshake(webSocketQuery+"&sid="+p.peer.ID(), "", "")
		expect("upgrade", resp.Header, "no")
		_, resp = w.handshake(webSocketQuery, "", "")
		expect("WebSocket", resp.Header, "yes")
	})
}

func TestTrafficIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newPipeWorld(t, Config{})
		p, c := w.openPolling(), w.openWebSocket()
		p.post("4abc\x1e4").expect(t, http.StatusOK, "ok")
		c.text("4ab")
		c.peer.next()
		_ = p.peer.Send(NewText([]byte("waits")))
		before := w.server.Stats()
		if before.Opened[Polling] != 1 || before.Opened[WebSocket] != 1 || before.Sessions[Polling] != 1 || before.Sessions[WebSocket] != 1 {
			t.Errorf("sessions: %+v", before)
		}
		if before.PacketsIn[Polling] != 2 || before.BytesIn[Polling] != 6 || before.PacketsIn[WebSocket] != 1 || before.BytesIn[WebSocket] != 2 {
			t.Errorf("in: %+v", before)
		}
		if before.QueueBytes != int64(len("\x81\x064waits")) {
			t.Errorf("%d bytes wait", before.QueueBytes)
		}
		p.poll().expect(t, http.StatusOK, "4waits")
		_ = c.peer.Send(NewText([]byte("x")))
		c.expectText("4x")
		synctest.Wait()
		after := w.server.Stats()
		if n, b := after.PacketsOut[Polling]-before.PacketsOut[Polling], after.BytesOut[Polling]-before.BytesOut[Polling]; n != 1 || b != 6 {
			t.Errorf("polling out: %d packets, %d bytes", n, b)
		}
		if n, b := after.PacketsOut[WebSocket]-before.PacketsOut[WebSocket], after.BytesOut[WebSocket]-before.BytesOut[WebSocket]; n != 1 || b != 4 {
			t.Errorf("WebSocket out: %d packets, %d bytes", n, b)
		}
		if after.QueueBytes != 0 {
			t.Errorf("%d bytes wait", after.QueueBytes)
		}
	})
}
