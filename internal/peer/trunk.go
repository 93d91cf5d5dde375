package peer

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A trunk is one connection between two nodes on which an owner sends what is for the
// clients of many tunnels. A broadcast to a thousand of them then costs the owner a few
// large writes instead of a thousand small ones, which is most of what it costs at all;
// what clients say, and how connections end, stays with each tunnel's own connection.
//
// On a trunk go frames of a stream's number and a length, 4 bytes each in big endian,
// and so many bytes. A frame without bytes says that what follows for this stream comes
// on its own connection. The other way go numbers of streams whose clients take no
// more: their owner then sends that frame, and backpressure is TCP's from there on.
//
// Frames are bounded by the owner's maxTrunkBytes, and by what TCP holds: so much at
// most a forwarding node keeps for all stalled clients of a trunk, until the owner has
// heard of them.
const (
	frameHead     = 8
	maxFrameBytes = 32 << 10
	maxTrunkBytes = 8 << 20

	headerTrunk = headerPrefix + "Trunk"
	methodTrunk = "TRUNK" // in headerMethod, opens a trunk instead of forwarding
)

// trunks are the owner's ends of all trunks.
type trunks struct {
	patience time.Duration
	running  sync.WaitGroup

	mu sync.Mutex
	// Guarded by mu.
	byID   map[string]*trunk
	closed bool
}

// trunk is the owner's end of one.
type trunk struct {
	conn net.Conn
	wake chan struct{} // signalled when out is no longer empty

	mu sync.Mutex
	// Guarded by mu.
	out     []*trunkChunk         // not empty ones
	waiting int                   // bytes in out, and in what is being written
	streams map[uint32]*trunkConn // those that use it
	dead    bool
}

// serve turns the request of a peer into a trunk with the id that it names.
func (ts *trunks) serve(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get(headerTrunk)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_ = conn.SetDeadline(time.Time{})
	t := &trunk{conn: conn, wake: make(chan struct{}, 1), streams: map[uint32]*trunkConn{}}
	ts.mu.Lock()
	if ts.closed || ts.byID[id] != nil {
		ts.mu.Unlock()
		conn.Close()
		return
	}
	ts.byID[id] = t
	ts.running.Go(func() {
		t.listen()
		t.end()
		ts.mu.Lock()
		delete(ts.byID, id)
		ts.mu.Unlock()
	})
	ts.running.Go(func() { t.send(ts.patience) })
	ts.mu.Unlock()
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: causeway-trunk\r\n"+headerTook+": 0\r\n\r\n")
}

// find returns the trunk and the number of the stream that a tunnel's request asks
// for. nil says that there is none.
func (ts *trunks) find(r *http.Request) (*trunk, uint32) {
	id, number, _ := strings.Cut(r.Header.Get(headerTrunk), ":")
	n, err := strconv.ParseUint(number, 10, 32)
	if err != nil {
		return nil, 0
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	return ts.byID[id], uint32(n)
}

// close ends all trunks and waits for their goroutines.
func (ts *trunks) close() {
	ts.mu.Lock()
	ts.closed = true
	all := make([]*trunk, 0, len(ts.byID))
	for _, t := range ts.byID {
		all = append(all, t)
	}
	ts.mu.Unlock()
	for _, t := range all {
		t.end()
	}
	ts.running.Wait()
}

// listen hears which streams shall use connections of their own, until the trunk ends.
func (t *trunk) listen() {
	var number [4]byte
	for {
		if _, err := io.ReadFull(t.conn, number[:]); err != nil {
			return
		}
		t.mu.Lock()
		if c := t.streams[binary.BigEndian.Uint32(number[:])]; c != nil {
			c.part()
		}
		t.mu.Unlock()
	}
}

// trunkChunk is what a trunk's frames wait in, whole. A burst fills many; they are kept for the
// next, as the garbage that they were otherwise had every session looked at again and
// again.
type trunkChunk struct {
	n     int
	bytes [chunkBytes]byte
}

var trunkChunks = sync.Pool{New: func() any { return new(trunkChunk) }}

// send writes what waits until the trunk ends.
func (t *trunk) send(patience time.Duration) {
	var taken []*trunkChunk
	for range t.wake {
		t.mu.Lock()
		taken, t.out = t.out, taken[:0]
		dead := t.dead
		t.mu.Unlock()
		if dead {
			return
		}
		for i, c := range taken {
			_ = t.conn.SetWriteDeadline(time.Now().Add(patience)) // fails only on a closed connection, as the write will
			if _, err := t.conn.Write(c.bytes[:c.n]); err != nil {
				t.end()
				return
			}
			t.mu.Lock()
			t.waiting -= c.n
			t.mu.Unlock()
			taken[i] = nil
			trunkChunks.Put(c)
		}
	}
}

// end closes the trunk. What its streams have sent may be lost, so they end as well.
func (t *trunk) end() {
	t.conn.Close()
	t.mu.Lock()
	streams := t.streams
	t.streams, t.dead, t.out = nil, true, nil
	t.mu.Unlock()
	t.rouse()
	for _, c := range streams {
		_ = c.TCPConn.CloseRead() // whose reader ends the session; an error says that it has
		_ = c.TCPConn.CloseWrite()
	}
}

func (t *trunk) rouse() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// append adds a frame. Callers hold mu.
func (t *trunk) append(stream uint32, p []byte) {
	size := frameHead + len(p)
	if len(t.out) == 0 || t.out[len(t.out)-1].n+size > chunkBytes {
		if len(t.out) == 0 {
			t.rouse()
		}
		c := trunkChunks.Get().(*trunkChunk)
		c.n = 0
		t.out = append(t.out, c)
	}
	c := t.out[len(t.out)-1]
	at := c.bytes[c.n:]
	binary.BigEndian.PutUint32(at, stream)
	binary.BigEndian.PutUint32(at[4:], uint32(len(p)))
	copy(at[frameHead:], p)
	c.n += size
	t.waiting += size
}

// trunkConn is a tunnel's connection to its owner, as the owner sees it: what it writes
// goes over a trunk as long as the client keeps up.
type trunkConn struct {
	*net.TCPConn
	trunk  *trunk
	number uint32
	parted bool // guarded by trunk.mu
}

// attach makes a connection a stream of the trunk. false says that the trunk has ended.
func (t *trunk) attach(conn *net.TCPConn, number uint32) (*trunkConn, bool) {
	c := &trunkConn{TCPConn: conn, trunk: t, number: number}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.dead || t.streams[number] != nil {
		return nil, false
	}
	t.streams[number] = c
	return c, true
}

// TryWrite takes all of p, or nothing and never anything again: then p and what follows
// go to the connection itself. It does not block.
func (c *trunkConn) TryWrite(p []byte) bool {
	t := c.trunk
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.parted || t.dead {
		return false
	}
	if t.waiting+len(p) > maxTrunkBytes {
		c.part()
		return false
	}
	for len(p) > maxFrameBytes {
		t.append(c.number, p[:maxFrameBytes])
		p = p[maxFrameBytes:]
	}
	if len(p) > 0 {
		t.append(c.number, p)
	}
	return true
}

// part says that what follows comes on the stream's own connection. Callers hold the
// trunk's mu.
func (c *trunkConn) part() {
	if !c.parted && !c.trunk.dead {
		c.trunk.append(c.number, nil)
		delete(c.trunk.streams, c.number)
	}
	c.parted = true
}

func (c *trunkConn) leave() {
	c.trunk.mu.Lock()
	defer c.trunk.mu.Unlock()
	c.part()
}

// Write implements net.Conn.
func (c *trunkConn) Write(p []byte) (int, error) {
	if c.TryWrite(p) {
		return len(p), nil
	}
	return c.TCPConn.Write(p)
}

// ReadFrom keeps io.Copy from finding that of the connection.
func (c *trunkConn) ReadFrom(r io.Reader) (int64, error) {
	return io.Copy(struct{ io.Writer }{c}, r)
}

// CloseWrite is the end of what this side sends: after what is on the trunk.
func (c *trunkConn) CloseWrite() error {
	c.leave()
	return c.TCPConn.CloseWrite()
}

// Close implements net.Conn.
func (c *trunkConn) Close() error {
	c.leave()
	return c.TCPConn.Close()
}

// trunkWriter answers a tunnel's request and makes its connection a stream.
type trunkWriter struct {
	http.ResponseWriter
	trunk  *trunk
	number uint32
}

// Unwrap is for http.ResponseController.
func (w *trunkWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *trunkWriter) WriteHeader(status int) {
	if status == http.StatusSwitchingProtocols {
		w.Header().Set(headerTrunk, "1")
	}
	w.ResponseWriter.WriteHeader(status)
}

// Hijack implements http.Hijacker.
func (w *trunkWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, brw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	tcp, ok := conn.(*net.TCPConn)
	if ok {
		if c, ok := w.trunk.attach(tcp, w.number); ok {
			return c, brw, nil
		}
	}
	conn.Close() // the forwarding node has been told to listen to the trunk
	return nil, nil, errTrunkEnded
}

var errTrunkEnded = errors.New("the trunk has ended")
