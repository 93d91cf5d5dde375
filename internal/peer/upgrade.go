package peer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// answerTimeout is how long an owner may take to answer an upgrade. Until it has, the
// client goes on polling.
const answerTimeout = 5 * time.Second

// serveUpgrade forwards a WebSocket handshake and leaves the two connections to the
// relays. The client's bytes pass only when the owner has agreed to a WebSocket: on a
// connection that still speaks HTTP they could be requests to the internal listener.
func (f *Forwarder) serveUpgrade(w http.ResponseWriter, r *http.Request, n *known) {
	began := time.Now()
	ctx, cancel := context.WithTimeout(r.Context(), answerTimeout)
	defer cancel()
	owner, err := f.dial(ctx, "tcp", n.Address)
	if err != nil {
		f.broken(w, r, f.failed(r, n, err))
		return
	}
	head := heads.Get().(*bufio.Reader)
	defer heads.Put(head)
	st := f.reserve(ctx, n)
	resp, err := f.ask(owner, head, r, n, st)
	if err != nil || resp.Header.Get(headerTrunk) == "" {
		st.cancel()
		st = nil
	}
	if err != nil {
		owner.Close()
		f.broken(w, r, f.failed(r, n, err))
		return
	}
	took, ok := ownTime(resp)
	if !ok {
		owner.Close()
		f.log.Error("node refused a forwarded request: is its cluster key another?", "node", n.tag, "address", n.Address, "status", resp.StatusCode)
		f.broken(w, r, failRefused)
		return
	}
	f.stats.forwarded[kindUpgrade].Add(1)
	f.cfg.ObserveAdded(kindNames[kindUpgrade], time.Since(began)-took)
	if resp.StatusCode != http.StatusSwitchingProtocols {
		defer owner.Close()
		defer resp.Body.Close()
		resp.Close = true
		f.answer(w, resp)
		return
	}
	if err := f.tunnel(w, resp, owner, head, n, st); err != nil {
		st.cancel()
		owner.Close()
		f.stats.failed[failClient].Add(1)
	}
}

// heads read the beginning of an owner's answer. What they hold beyond it goes on to
// the client.
var heads = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 2<<10) }}

// ask sends the handshake and reads the head of the answer.
func (f *Forwarder) ask(owner net.Conn, head *bufio.Reader, r *http.Request, n *known, st *stream) (*http.Response, error) {
	if err := owner.SetDeadline(time.Now().Add(answerTimeout)); err != nil {
		return nil, err
	}
	out := f.outgoing(r.Context(), r, n)
	out.Header["Connection"], out.Header["Upgrade"] = []string{"Upgrade"}, []string{"websocket"}
	if st != nil {
		out.Header[headerTrunk] = []string{st.header()}
	}
	var b bytes.Buffer
	if err := out.Write(&b); err != nil {
		return nil, fmt.Errorf("write handshake: %w", err)
	}
	if _, err := owner.Write(b.Bytes()); err != nil {
		return nil, err
	}
	head.Reset(io.LimitReader(owner, MaxHeaderBytes))
	return http.ReadResponse(head, nil)
}

// tunnel takes the client's connection over and starts the relay. Its error says that
// there is no tunnel; the client's connection is closed then.
func (f *Forwarder) tunnel(w http.ResponseWriter, resp *http.Response, owner net.Conn, head *bufio.Reader, n *known, st *stream) error {
	client, brw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 101 Switching Protocols\r\n")
	resp.Header.Del(headerTook)
	resp.Header.Del(headerTrunk)
	_ = resp.Header.Write(&b) // into memory
	b.WriteString("\r\n")
	early, _ := head.Peek(head.Buffered()) // what is there can be read
	b.Write(early)
	err = client.SetDeadline(time.Now().Add(answerTimeout))
	if err == nil {
		_, err = client.Write(b.Bytes())
	}
	if early, _ := brw.Reader.Peek(brw.Reader.Buffered()); err == nil && len(early) > 0 {
		_, err = owner.Write(early)
	}
	if err == nil {
		err = errors.Join(client.SetDeadline(time.Time{}), owner.SetDeadline(time.Time{}))
	}
	if err != nil {
		client.Close()
		return err
	}
	f.relays.start(n.gone, client, owner, st)
	return nil
}

// reserve makes room for a tunnel on the trunk from n, and opens the trunk if there is
// none. It returns nil where there can't be one: the tunnel does without.
func (f *Forwarder) reserve(ctx context.Context, n *known) *stream {
	if f.relays.portable {
		return nil
	}
	return f.relays.workers.reserve(ctx, n, func(ctx context.Context, id string) (net.Conn, error) { return f.openTrunk(ctx, n, id) })
}

var errNoTrunk = errors.New("node opens no trunk")

// openTrunk asks a node for a trunk with an id.
func (f *Forwarder) openTrunk(ctx context.Context, n *known, id string) (net.Conn, error) {
	conn, err := f.dial(ctx, "tcp", n.Address)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(dialTimeout)) // fails only on a closed connection, as the write will
	if err := f.askTrunk(conn, n, id); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, conn.SetDeadline(time.Time{})
}

func (f *Forwarder) askTrunk(conn net.Conn, n *known, id string) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: causeway-trunk\r\nContent-Length: 0\r\n", Path, n.Address)
	fmt.Fprintf(&b, "%s: %s\r\n%s: %s\r\n%s: %s\r\n%s: %s\r\n\r\n",
		headerToken, token(f.cfg.Key, n.tag), headerFrom, f.tag, headerMethod, methodTrunk, headerTrunk, id)
	if _, err := conn.Write(b.Bytes()); err != nil {
		return err
	}
	head := heads.Get().(*bufio.Reader)
	defer heads.Put(head)
	head.Reset(io.LimitReader(conn, MaxHeaderBytes))
	resp, err := http.ReadResponse(head, nil)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusSwitchingProtocols || head.Buffered() > 0 { // nothing is sent before there is a stream
		return errNoTrunk
	}
	return nil
}
