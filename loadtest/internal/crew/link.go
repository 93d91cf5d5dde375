package crew

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// farewell is how long a peer may take to close a connection that is over.
const farewell = time.Second

// queued is how many frames wait for a peer. Who has more to say waits.
const queued = 64

// link is an established connection to a peer. One goroutine reads; send, try and close
// may be called from any.
type link struct {
	conn    net.Conn
	from    *bufio.Reader
	silence atomic.Int64 // how long a peer may say nothing, or take nothing
	out     chan []byte  // a nil frame is the last
	broken  chan struct{}
	writing sync.WaitGroup

	once sync.Once
	why  error // set before broken is closed
}

var errClosed = errors.New("the connection was closed")

func newLink(conn net.Conn, from *bufio.Reader, silence time.Duration) *link {
	l := &link{conn: conn, from: from, out: make(chan []byte, queued), broken: make(chan struct{})}
	l.silence.Store(int64(silence))
	l.writing.Go(l.write)
	return l
}

func (l *link) write() {
	for {
		select {
		case <-l.broken:
			return
		case b := <-l.out:
			if b == nil {
				l.part()
				return
			}
			_ = l.conn.SetWriteDeadline(time.Now().Add(time.Duration(l.silence.Load())))
			if _, err := l.conn.Write(b); err != nil {
				l.fail(l.explain(err, "it took nothing for %v"))
				return
			}
		}
	}
}

// part says that nothing more comes, and gives the peer time to have read it: what is
// not read yet when a connection is closed may be lost.
func (l *link) part() {
	if t, ok := l.conn.(interface{ CloseWrite() error }); ok {
		_ = t.CloseWrite()
	}
	late := time.NewTimer(farewell)
	defer late.Stop()
	select {
	case <-l.broken:
	case <-late.C:
		l.fail(errClosed)
	}
}

// send says something. It waits for room in the queue; the error is that of the link.
func (l *link) send(k kind, body any) error {
	b, err := frame(k, body)
	if err != nil {
		return err
	}
	return l.pass(b)
}

// pass sends a frame as it is.
func (l *link) pass(b []byte) error {
	select {
	case <-l.broken:
		return l.why
	case l.out <- b:
		return nil
	}
}

// try sends something unless the queue is full: what would be of no use late.
func (l *link) try(k kind, body any) {
	b, err := frame(k, body)
	if err != nil {
		return
	}
	select {
	case l.out <- b:
	default:
	}
}

// last says why this end cannot go on, and nothing more. The peer is then to close the
// connection, which read, to be called up to that, tells.
func (l *link) last(why string) {
	if l.send(kindFault, fault{Text: why}) == nil {
		_ = l.pass(nil)
	}
}

// read returns what the peer says next. The bytes are the caller's.
func (l *link) read() (k kind, body, raw []byte, err error) {
	_ = l.conn.SetReadDeadline(time.Now().Add(time.Duration(l.silence.Load())))
	k, body, raw, err = readFrame(l.from, mostBytes)
	if err != nil {
		l.fail(l.explain(err, "no word for %v"))
		return 0, nil, nil, l.why
	}
	return k, body, raw, nil
}

// explain says what an error of the network is for people. late is for a peer that took
// its time.
func (l *link) explain(err error, late string) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf(late, time.Duration(l.silence.Load()))
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET):
		return errors.New("it closed the connection")
	}
	return err
}

// fail ends the link, for a reason. Only the first counts.
func (l *link) fail(why error) {
	l.once.Do(func() {
		l.why = why
		close(l.broken)
		hangUp(l.conn)
	})
}

// close ends the link and waits for its goroutine.
func (l *link) close() {
	l.fail(errClosed)
	l.writing.Wait()
}

// hangUp closes a connection without the farewell of TLS, which can take seconds.
func hangUp(conn net.Conn) {
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = t.NetConn()
	}
	conn.Close()
}
