//go:build linux

package peer

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/causeway-rt/causeway/pkg/engineio"
)

// upgraded is a client whose session is on one node and whose WebSocket goes through
// another.
type upgraded struct {
	conn    net.Conn
	reader  *bufio.Reader
	session *engineio.Session
}

func newUpgraded(t *testing.T, owner, through *node) *upgraded {
	t.Helper()
	sid := owner.handshake()
	session := receive(t, "the session", owner.opened)
	conn, reader, resp := through.upgrade(sid, frame("2probe"))
	if resp.StatusCode != 101 {
		t.Fatalf("%s", resp.Status)
	}
	expect(t, reader, "\x81\x063probe")
	_, _ = io.WriteString(conn, frame("5"))
	until(t, "the upgrade", func() bool { return session.Transport() == engineio.WebSocket })
	return &upgraded{conn, reader, session}
}

// next reads one frame of the server.
func (u *upgraded) next() (string, error) {
	var head [10]byte
	if _, err := io.ReadFull(u.reader, head[:2]); err != nil {
		return "", err
	}
	size := uint64(head[1])
	wide := map[uint64]int{126: 2, 127: 8}[size]
	if wide > 0 {
		if _, err := io.ReadFull(u.reader, head[10-wide:]); err != nil {
			return "", err
		}
		size = binary.BigEndian.Uint64(append(make([]byte, 8-wide), head[10-wide:]...))
	}
	p := make([]byte, size)
	_, err := io.ReadFull(u.reader, p)
	return string(p), err
}

// streams counts the tunnels that the owner sends to by trunk, and its trunks.
func (n *node) streams() (streams, trunks int) {
	n.receiver.trunks.mu.Lock()
	defer n.receiver.trunks.mu.Unlock()
	for _, t := range n.receiver.trunks.byID {
		t.mu.Lock()
		streams += len(t.streams)
		t.mu.Unlock()
	}
	return streams, len(n.receiver.trunks.byID)
}

func TestManyTunnelsShareATrunkAndKeepTheirOrder(t *testing.T) {
	store := &Memory{}
	a, b := startNode(t, store, nodeConfig{engine: engineio.Config{MaxQueueBytes: 64 << 20}}), startNode(t, store, nodeConfig{})
	const clients, messages = 20, 100
	all := make([]*upgraded, clients)
	for i := range all {
		all[i] = newUpgraded(t, a, b)
	}
	if streams, trunks := a.streams(); streams != clients || trunks > runtime.GOMAXPROCS(0) {
		t.Errorf("%d streams on %d trunks", streams, trunks)
	}
	text := func(client, i int) string { // of all sizes, up to more than one frame of the trunk
		return fmt.Sprintf("%d-%d-", client, i) + strings.Repeat("x", i*i%(3*maxFrameBytes))
	}
	var work sync.WaitGroup
	for c, u := range all {
		work.Go(func() {
			for i := range messages {
				if err := u.session.Send(engineio.NewText([]byte(text(c, i)))); err != nil {
					t.Errorf("client %d: %v", c, err)
					return
				}
			}
		})
		work.Go(func() {
			for i := range messages {
				if got, err := u.next(); err != nil || got != "4"+text(c, i) {
					t.Errorf("client %d: message %d is %.20q, %v", c, i, got, err)
					return
				}
			}
		})
	}
	work.Wait()
	for _, u := range all {
		u.conn.Close()
	}
	until(t, "the trunks to be empty", func() bool { streams, _ := a.streams(); return streams == 0 && b.forward.Stats().Tunnels == 0 })
}

// A client that reads nothing goes on by its own connection, and is ended as any slow
// one; the others of its trunk notice nothing, and no byte is lost on the way over.
func TestStalledClientLeavesTheTrunk(t *testing.T) {
	store := &Memory{}
	a, b := startNode(t, store, nodeConfig{engine: engineio.Config{MaxQueueBytes: 64 << 20, MaxQueueMessages: 1 << 20}}), startNode(t, store, nodeConfig{})
	stalled := newUpgraded(t, a, b)
	var others []*upgraded
	for range 2 * runtime.GOMAXPROCS(0) { // some share its worker
		others = append(others, newUpgraded(t, a, b))
	}
	const messages = 1200
	text := func(i int) string { return fmt.Sprintf("%d-", i) + strings.Repeat("y", 20_000) }
	for i := range messages {
		if err := stalled.session.Send(engineio.NewText([]byte(text(i)))); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the stalled client to leave the trunk", func() bool { streams, _ := a.streams(); return streams == len(others) })
	for _, u := range others {
		if err := u.session.Send(engineio.NewText([]byte("hello"))); err != nil {
			t.Fatal(err)
		}
		if got, err := u.next(); err != nil || got != "4hello" {
			t.Fatalf("%q, %v", got, err)
		}
	}
	for i := range messages { // it has come back to life
		if got, err := stalled.next(); err != nil || got != "4"+text(i) {
			t.Fatalf("message %d is %.20q, %v", i, got, err)
		}
	}
	_ = stalled.session.Send(engineio.NewText([]byte("still here")))
	if got, err := stalled.next(); err != nil || got != "4still here" {
		t.Fatalf("%q, %v", got, err)
	}
}

func TestGoodbyeComesAfterAllThatWasSent(t *testing.T) {
	store := &Memory{}
	a, b := startNode(t, store, nodeConfig{}), startNode(t, store, nodeConfig{})
	u := newUpgraded(t, a, b)
	for i := range 100 {
		_ = u.session.Send(engineio.NewText(fmt.Append(nil, i)))
	}
	u.session.Close(engineio.ReasonShutdown)
	for i := range 100 {
		if got, err := u.next(); err != nil || got != fmt.Sprint("4", i) {
			t.Fatalf("message %d is %q, %v", i, got, err)
		}
	}
	rest, err := io.ReadAll(u.reader)
	if err != nil || len(rest) < 2 || rest[0] != 0x88 {
		t.Errorf("the end is %x, %v; want a close frame", rest, err)
	}
}

// A trunk that breaks may have lost something of every tunnel on it.
func TestBrokenTrunkEndsItsTunnels(t *testing.T) {
	store := &Memory{}
	a, b := startNode(t, store, nodeConfig{}), startNode(t, store, nodeConfig{})
	u := newUpgraded(t, a, b)
	a.receiver.trunks.mu.Lock()
	for _, trunk := range a.receiver.trunks.byID {
		trunk.conn.Close()
	}
	a.receiver.trunks.mu.Unlock()
	if got := receive(t, "the session's end", a.closed); got != engineio.ReasonTransportClose && got != engineio.ReasonTransportError {
		t.Errorf("the session ended for %q", got)
	}
	if _, err := u.next(); err == nil {
		t.Error("the client got more")
	}
	until(t, "the tunnel's end", func() bool { return b.forward.Stats().Tunnels == 0 })
	again := newUpgraded(t, a, b) // on a new one
	_ = again.session.Send(engineio.NewText([]byte("hello")))
	if got, err := again.next(); err != nil || got != "4hello" {
		t.Errorf("%q, %v", got, err)
	}
}

// What is no trunk, or speaks for one without the key, does no harm.
func TestNonsenseOnATrunkEndsIt(t *testing.T) {
	store := &Memory{}
	a, b := startNode(t, store, nodeConfig{}), startNode(t, store, nodeConfig{})
	u := newUpgraded(t, a, b)
	a.receiver.trunks.mu.Lock()
	for _, trunk := range a.receiver.trunks.byID {
		_, _ = trunk.conn.Write([]byte("\x00\x00\x00\x01\xff\xff\xff\xff"))
	}
	a.receiver.trunks.mu.Unlock()
	if _, err := u.next(); err == nil {
		t.Error("the client got something")
	}
	until(t, "the tunnel's end", func() bool { return b.forward.Stats().Tunnels == 0 })
}
