package peer

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// pumpBytes is what each direction holds.
const pumpBytes = 4 << 10

// pumped is a tunnel that is carried by a goroutine for each direction.
type pumped struct {
	relays        *relays
	client, owner net.Conn
	over          atomic.Bool // no direction may go on
}

// pump begins a tunnel between connections of any kind.
func (rs *relays) pump(t *tunnel, client, owner net.Conn) {
	p := &pumped{relays: rs, client: client, owner: owner}
	t.end = p.end
	var other sync.WaitGroup
	other.Go(func() { p.pump(owner, client) })
	rs.pumps.Go(func() {
		p.pump(client, owner)
		other.Wait()
		p.end()
		rs.ended(t)
	})
}

func (p *pumped) end() {
	p.over.Store(true)
	p.client.Close()
	p.owner.Close()
}

// pump moves bytes from one side to the other until the first is done, and tells the
// other so.
func (p *pumped) pump(to, from net.Conn) {
	err := p.move(to, from)
	if err == nil && !p.over.Load() {
		if half, ok := to.(interface{ CloseWrite() error }); ok && half.CloseWrite() == nil {
			// The other direction has a while to end.
			_ = to.SetReadDeadline(time.Now().Add(p.relays.linger))
			return
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		p.relays.stats.cut.Add(1)
	}
	reset(from)
	reset(to)
	p.end()
}

// reset makes the coming Close tell the other end that this is no orderly end.
func reset(c net.Conn) {
	if t, ok := c.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
}

// move copies until from is done, which it says with nil.
func (p *pumped) move(to, from net.Conn) error {
	rs, buf := p.relays, make([]byte, pumpBytes)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			_ = to.SetWriteDeadline(time.Now().Add(rs.patience)) // fails only on a closed connection, as the write will
			m, err := to.Write(buf[:n])
			rs.stats.bytes.Add(int64(m))
			if err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
