package wire

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// Limits of an answer to an HTTP request, in bytes.
const (
	maxHead      = 32 << 10
	maxErrorBody = 512 // of an answer that is only reported
)

// budget reads from a link no more than is left.
type budget struct {
	link *link
	left int
	err  error // of the link
}

func (b *budget) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("%w: HTTP answer", ErrTooBig)
	}
	n, err := b.link.Read(p[:min(len(p), b.left)])
	b.left -= n
	b.err = err
	return n, err
}

// readers are for handshakes. What a reader has read beyond is taken out of it.
var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 4096) }}

// query returns the address of a request of this session.
func (s *session) query(transport Transport) string {
	q := s.client.target.path + "EIO=4&transport=" + string(transport)
	if s.engineID != "" {
		q += "&sid=" + url.QueryEscape(s.engineID)
	}
	return q
}

// appendRequest begins an HTTP request, up to its own headers and the empty line.
func (s *session) appendRequest(dst []byte, method string, transport Transport) []byte {
	c := s.client
	host := c.cfg.Header.Get("Host")
	if host == "" {
		host = c.target.host
	}
	dst = append(dst, method+" "+s.query(transport)+" HTTP/1.1\r\nHost: "+host+"\r\n"...)
	cookies := s.cookies
	for name, values := range c.cfg.Header {
		switch name {
		case "Host":
			continue
		case "Cookie":
			cookies = strings.Trim(strings.Join(values, "; ")+"; "+cookies, "; ")
			continue
		}
		for _, v := range values {
			dst = append(dst, name+": "+v+"\r\n"...)
		}
	}
	if cookies != "" {
		dst = append(dst, "Cookie: "+cookies+"\r\n"...)
	}
	return dst
}

// upgradeHTTP opens a connection and makes it a WebSocket (RFC 6455, 4).
func (s *session) upgradeHTTP(ctx context.Context, attends bool) (*socket, error) {
	l, err := s.dial(ctx, attends)
	if err != nil {
		return nil, err
	}
	var nonce [16]byte
	_, _ = rand.Read(nonce[:]) // never fails
	key := base64.StdEncoding.EncodeToString(nonce[:])
	req := s.appendRequest(nil, http.MethodGet, WebSocket)
	req = append(req, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "+key+"\r\n\r\n"...)
	w := newSocket(s, l)
	if _, err = l.Write(req); err == nil {
		err = w.switched(key)
	}
	if err == nil {
		err = s.lift(l.tcp.SetDeadline)
	}
	if err != nil {
		s.drop(l)
	}
	return w, err
}

// switched reads the server's answer, and keeps what it has sent after it.
func (w *socket) switched(key string) error {
	if !w.link.attends {
		if err := w.session.allow(w.link.tcp.SetReadDeadline); err != nil {
			return err
		}
	}
	br := readers.Get().(*bufio.Reader)
	defer readers.Put(br)
	source := &budget{link: w.link, left: maxHead}
	br.Reset(source)
	res, err := readResponse(br, source)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusSwitchingProtocols {
		return statusError(res)
	}
	if !token(res.Header, "Upgrade", "websocket") || !token(res.Header, "Connection", "upgrade") ||
		res.Header.Get("Sec-Websocket-Accept") != acceptKey(key) || res.Header.Get("Sec-Websocket-Extensions") != "" {
		return fmt.Errorf("%w: headers of the WebSocket handshake", ErrNotSocketIO)
	}
	rest, _ := br.Peek(br.Buffered())
	if len(rest) > 0 {
		in := w.borrow()
		in.end = copy(in.b, rest)
	}
	return nil
}

func acceptKey(key string) string {
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// token says whether a header's list has a word, in any case.
func token(h http.Header, name, word string) bool {
	for _, line := range h.Values(name) {
		for part := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(part), word) {
				return true
			}
		}
	}
	return false
}

// readResponse reads the head of an answer. What is no HTTP at all is another protocol.
func readResponse(br *bufio.Reader, source *budget) (*http.Response, error) {
	begin, err := br.Peek(5)
	if string(begin) != "HTTP/"[:len(begin)] {
		return nil, fmt.Errorf("%w: no HTTP: %.20q", ErrNotSocketIO, begin)
	}
	if err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(br, nil)
	switch {
	case err != nil && source.err != nil:
		err = source.err // what was cut looks malformed
	case err != nil && isSyntax(err):
		err = fmt.Errorf("%w: %w", ErrNotSocketIO, err)
	}
	return res, err
}

// isSyntax tells errors of parsing from those of reading.
func isSyntax(err error) bool {
	return Class(err) == "other"
}

// statusError reports an answer that is not the one hoped for.
func statusError(res *http.Response) error {
	body, _ := io.ReadAll(io.LimitReader(res.Body, maxErrorBody))
	return &HTTPError{Status: res.StatusCode, Body: string(body)}
}
