package main

import (
	"bufio"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestNodeDoesNotNoticeALostClient: after a change of the network its end of a connection is
// open, and takes what it writes.
func TestNodeDoesNotNoticeALostClient(t *testing.T) {
	node, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer node.Close()
	w, err := openWay(node.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	dial := func() (client, end net.Conn) {
		t.Helper()
		if client, err = net.Dial("tcp", strings.TrimPrefix(w.url(), "http://")); err != nil {
			t.Fatal(err)
		}
		if end, err = node.Accept(); err != nil {
			t.Fatal(err)
		}
		for _, c := range []net.Conn{client, end} {
			if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
				t.Fatal(err)
			}
		}
		return client, end
	}
	client, end := dial()
	if _, err := io.WriteString(client, "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(end, make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	w.lose()
	if _, err := client.Read(make([]byte, 1)); err == nil {
		t.Error("the client has its connection")
	}
	for range 3 {
		if _, err := end.Write(make([]byte, 1<<20)); err != nil {
			t.Errorf("the node: %v", err)
		}
	}
	if err := end.SetReadDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if _, err := end.Read(make([]byte, 1)); !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("the node has read %v", err)
	}

	// One that comes afterwards ends as it should.
	client, end = dial()
	client.Close()
	if _, err := end.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the client has left, and the node reads %v", err)
	}
}

func TestClientsAreDirectedAndHeard(t *testing.T) {
	const says = "connected\n" + `{"members":90,"lost":30,"recovered":29,"missed":7,"silent":1,"twice":0,"away":1000}` + "\n"
	var told strings.Builder
	happened := false
	h, err := direct(t.Context(), bufio.NewScanner(strings.NewReader(says)), &told, func() error { happened = true; return nil })
	if err != nil || !happened || told.String() != "over\n" || h.Lost != 30 || h.Recovered != 29 || h.Missed != 7 || h.Silent != 1 || h.Away != 1000 {
		t.Errorf("%+v, %v, told %q", h, err, told.String())
	}
	if _, err := direct(t.Context(), bufio.NewScanner(strings.NewReader("")), io.Discard, nil); err == nil {
		t.Error("clients that could not connect are no error")
	}
}
