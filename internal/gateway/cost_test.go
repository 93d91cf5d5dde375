package gateway

import (
	"encoding/binary"
	"fmt"
	"net"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// TestTokensCostLittleMemory: an idle client with a token costs at most a tenth more than
// one without. That is the room of its user, its grants and the end of its token, and not
// the token.
func TestTokensCostLittleMemory(t *testing.T) {
	const clients, mostPercent = 1_000, 10
	without := idleBytes(t, Config{}, clients, func(int) string { return "40" })
	with := idleBytes(t, withTokens(nil), clients, func(i int) string {
		return `40{"token":"` + tokenFor(t, fmt.Sprint("user-", i), jwt.MapClaims{"allow": allow("tea:*", "news")}) + `"}`
	})
	t.Logf("%d bytes of heap for each client without a token, %d with", without, with)
	if with > without+without*mostPercent/100 {
		t.Errorf("a client with a token costs %d bytes, one without %d: more than %d %% more", with, without, mostPercent)
	}
}

// idleBytes is the heap that each idle client takes in a gateway, once its connection is
// parked. The clients are descriptors: they take none.
func idleBytes(t *testing.T, cfg Config, clients int, connect func(i int) string) int64 {
	t.Helper()
	w := start(t, cfg, nil)
	fds := make([]int, 0, clients)
	one := func(i int) int { return rawClient(t, w.public, connect(i)) }
	for i := range clients / 10 { // what the first ones need is needed once
		fds = append(fds, one(i))
	}
	for _, fd := range fds {
		_ = syscall.Close(fd)
	}
	w.until(w.internal+"/metrics", 200, "\ngateway_sessions{namespace=\"/\"} 0\n")
	before, fds := heapBytes(), fds[:0]
	for i := range clients {
		fds = append(fds, one(i))
	}
	if runtime.GOOS == "linux" {
		w.until(w.internal+"/metrics", 200, fmt.Sprintf("\ngateway_parked_connections %d\n", clients))
	}
	each := (heapBytes() - before) / int64(clients)
	for _, fd := range fds {
		_ = syscall.Close(fd)
	}
	w.until(w.internal+"/metrics", 200, "\ngateway_sessions{namespace=\"/\"} 0\n")
	return each
}

// rawClient is connected to "/" by a WebSocket, with a CONNECT packet.
func rawClient(t *testing.T, url, packet string) (fd int) {
	t.Helper()
	address, err := net.ResolveTCPAddr("tcp4", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if fd, err = syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0); err != nil {
		t.Fatal(err)
	}
	limit := syscall.NsecToTimeval(int64(patience))
	_ = syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &limit)
	if err := syscall.Connect(fd, &syscall.SockaddrInet4{Port: address.Port, Addr: [4]byte(address.IP.To4())}); err != nil {
		t.Fatal(err)
	}
	request := "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
	if _, err := syscall.Write(fd, append([]byte(request), textFrame(packet)...)); err != nil {
		t.Fatal(err)
	}
	var got []byte
	for buf := make([]byte, 512); !strings.Contains(string(got), `40{"sid":`); {
		n, err := syscall.Read(fd, buf)
		if err != nil || n <= 0 {
			t.Fatalf("%d, %v after %q", n, err, got)
		}
		got = append(got, buf[:n]...)
	}
	return fd
}

// textFrame is a WebSocket frame of a client, with a mask of zeros.
func textFrame(text string) []byte {
	head := []byte{0x81, 0x80 | byte(min(len(text), 126))}
	if len(text) >= 126 {
		head = binary.BigEndian.AppendUint16(head, uint16(len(text)))
	}
	return append(append(head, 0, 0, 0, 0), text...)
}

// heapBytes waits until nothing more is given back: pools keep what they have for two
// collections.
func heapBytes() int64 {
	var m runtime.MemStats
	for range 4 {
		runtime.GC()
		time.Sleep(time.Millisecond) // for finalizers
	}
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
