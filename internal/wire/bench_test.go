package wire

import (
	"bufio"
	"io"
	"net"
	"testing"
)

// BenchmarkReceive is a client that reads events of 128 bytes, of which the server
// writes one at a time, or a hundred at once.
func BenchmarkReceive(b *testing.B) {
	for _, c := range []struct {
		name string
		at   int
	}{{"single", 1}, {"hundreds", 100}} {
		b.Run(c.name, func(b *testing.B) {
			frames := burst(c.at, 128)
			loops := (b.N + c.at - 1) / c.at
			start := make(chan struct{})
			url := webSocketServer(b, func(conn net.Conn, br *bufio.Reader) {
				if admit(conn, br) != nil {
					return
				}
				<-start
				for range loops {
					if _, err := conn.Write(frames); err != nil {
						return
					}
				}
				_, _ = io.Copy(io.Discard, br)
			})
			h := &counter{want: int64(loops * c.at), all: make(chan struct{})}
			client, err := Dial(b.Context(), Config{URL: url, Handler: h})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			close(start)
			<-h.all
			b.StopTimer()
			_ = client.Close()
		})
	}
}
