package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

var (
	// ErrClosed is the end of a client that Close was called on.
	ErrClosed = errors.New("wire: client is closed")
	// ErrNotConnected is returned when something is sent without a connection.
	ErrNotConnected = errors.New("wire: not connected")
	// ErrDisconnected is the answer to acks that the session's end made impossible.
	ErrDisconnected = errors.New("wire: disconnected before the ack")
	// ErrAckTimeout is the answer to acks that did not come in time.
	ErrAckTimeout = errors.New("wire: no ack in time")
	// ErrTimeout is an attempt, a write or a request that took longer than Config.Timeout.
	ErrTimeout = errors.New("wire: timeout")
	// ErrPingTimeout is a server whose ping is overdue.
	ErrPingTimeout = errors.New("wire: no ping from the server in time")
	// ErrCut is the end that Client.Cut brings.
	ErrCut = errors.New("wire: connection cut")
	// ErrServerDisconnect is a server that put the client out of the namespace. Like the
	// official client, it does not come back by itself.
	ErrServerDisconnect = errors.New("wire: disconnected by the server")
	// ErrServerClosed is a server that ended the session in an orderly way.
	ErrServerClosed = errors.New("wire: session closed by the server")
	// ErrQueueFull is a server that does not read what is sent to it.
	ErrQueueFull = errors.New("wire: too much waits to be sent")
	// ErrTooBig is a message, or a header, of the server that exceeds the limit.
	ErrTooBig = errors.New("wire: message exceeds the limit")
	// ErrNotSocketIO is a server that speaks another protocol.
	ErrNotSocketIO = errors.New("wire: not a Socket.IO v5 server")
	// ErrBadPacket is a server that breaks the rules of Engine.IO or Socket.IO.
	ErrBadPacket = errors.New("wire: bad packet")
	// ErrBadFrame is a server that breaks the rules of WebSocket (RFC 6455).
	ErrBadFrame = errors.New("wire: bad WebSocket frame")
	// ErrAuth is wrapped by what Config.Auth returned.
	ErrAuth = errors.New("wire: auth")
)

// ConnectError is the server's refusal to let the client into its namespace.
type ConnectError struct {
	Message string
	Data    []byte // JSON; nil if there is none
}

func (e *ConnectError) Error() string { return fmt.Sprintf("wire: connect_error: %q", e.Message) }

// HTTPError is an answer with a status that ends the attempt or the session.
type HTTPError struct {
	Status int
	Body   string // the beginning of it
}

func (e *HTTPError) Error() string { return fmt.Sprintf("wire: http %d: %q", e.Status, e.Body) }

// CloseError is the WebSocket close frame of the server.
type CloseError struct {
	Code   int // 1005: the frame had none
	Reason string
}

func (e *CloseError) Error() string {
	return fmt.Sprintf("wire: websocket closed with %d %q", e.Code, e.Reason)
}

// classes names errors to be found with errors.Is; the first that fits is taken.
var classes = []struct {
	err  error
	name string
}{
	{ErrClosed, "client closed"},
	{ErrCut, "cut"},
	{ErrPingTimeout, "ping timeout"},
	{ErrAckTimeout, "ack timeout"},
	{ErrServerDisconnect, "server disconnect"},
	{ErrQueueFull, "queue full"},
	{ErrTooBig, "too big"},
	{ErrNotSocketIO, "not socket.io"},
	{ErrBadPacket, "bad packet"},
	{ErrBadFrame, "bad frame"},
	{ErrAuth, "auth"},
	{ErrConfig, "config"},
	{ErrDisconnected, "disconnected"},
	{ErrNotConnected, "not connected"},
	{ErrTimeout, "timeout"},
	{context.DeadlineExceeded, "timeout"},
	{context.Canceled, "canceled"},
	{os.ErrDeadlineExceeded, "timeout"},
	{ErrServerClosed, "closed"},
	{syscall.ECONNREFUSED, "refused"},
	{syscall.ECONNRESET, "reset"},
	{syscall.EPIPE, "reset"},
	{syscall.ECONNABORTED, "reset"},
	{syscall.ETIMEDOUT, "timeout"},
	{syscall.ENETUNREACH, "unreachable"},
	{syscall.EHOSTUNREACH, "unreachable"},
	{syscall.EADDRNOTAVAIL, "no free port"},
	{syscall.EADDRINUSE, "no free port"},
	{syscall.EMFILE, "too many files"},
	{syscall.ENFILE, "too many files"},
	{io.EOF, "closed"},
	{io.ErrUnexpectedEOF, "closed"},
	{net.ErrClosed, "closed"},
}

// Class names the kind of an error in one or two words, to be counted by: "refused",
// "timeout", "reset", "closed", "http 400", "not socket.io", "connect_error: " and the
// server's message, and so on; "other" if it is none of them, and "" for nil. But for
// the servers' messages, which are shortened, there are few of them.
func Class(err error) string {
	var (
		refusal *ConnectError
		status  *HTTPError
		closing *CloseError
		dns     *net.DNSError
		record  tls.RecordHeaderError
		alert   tls.AlertError
		cert    *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
	)
	switch {
	case err == nil:
		return ""
	case errors.As(err, &refusal):
		return "connect_error: " + short(refusal.Message)
	case errors.As(err, &status):
		return "http " + strconv.Itoa(status.Status)
	case errors.As(err, &closing):
		return closing.class()
	case errors.As(err, &dns):
		return "dns"
	case errors.As(err, &record), errors.As(err, &alert), errors.As(err, &cert), errors.As(err, &unknown):
		return "tls"
	}
	for _, c := range classes {
		if errors.Is(err, c.err) {
			return c.name
		}
	}
	return "other"
}

// class tells the registered codes apart (RFC 6455, 7.4.1), which a server can't make
// many of.
func (e *CloseError) class() string {
	switch {
	case e.Code == 1000 || e.Code == 1005:
		return "closed"
	case e.Code < 1016:
		return "closed " + strconv.Itoa(e.Code)
	default:
		return "closed by application"
	}
}

// short makes a server's text fit to be printed and counted by.
func short(text string) string {
	const most = 64
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\ufffd' {
			return '.'
		}
		return r
	}, text)
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
