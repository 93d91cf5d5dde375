package wire

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// requests makes HTTP requests one after the other, over one connection as long as the
// server keeps it.
type requests struct {
	session *session
	attends bool // made by the reading goroutine

	link *link // nil: none is open
	br   *bufio.Reader
	left *budget
	idle time.Time // since when no request is under way; zero while one is
}

// keepFor is how long a connection without a request is used again. Servers close idle
// ones after a time that clients do not know, five seconds with Node.js, and a request
// that meets the closing is lost.
const keepFor = time.Second

// maxAnswer bounds an answer's body that is not looked into.
const maxAnswer = 64 << 10

// do makes a request and returns the body of the answer, appended to dst.
func (r *requests) do(ctx context.Context, method string, body, dst []byte) ([]byte, error) {
	if err := r.connect(ctx); err != nil {
		return dst, err
	}
	r.idle = time.Time{}
	if _, err := r.link.Write(r.head(method, body)); err != nil {
		return dst, err
	}
	if !r.attends { // the reading goroutine's wait for a poll is bounded by the heartbeats
		if err := r.session.allow(r.link.tcp.SetReadDeadline); err != nil {
			return dst, err
		}
	}
	r.left.left = maxHead
	res, err := readResponse(r.br, r.left)
	if err != nil {
		return dst, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return dst, statusError(res)
	}
	limit := maxAnswer
	if r.attends {
		limit = r.session.client.cfg.MaxMessage
		r.session.keepCookies(res)
	}
	r.left.left = 2*limit + maxHead // with what chunks need
	if dst, err = readBody(dst, res.Body, limit); err != nil {
		return dst, err
	}
	r.idle = time.Now()
	if res.Close {
		r.close()
	}
	return dst, nil
}

func (r *requests) connect(ctx context.Context) error {
	if r.link != nil && time.Since(r.idle) < keepFor {
		return nil
	}
	r.close()
	ctx, cancel := context.WithTimeoutCause(ctx, r.session.client.cfg.Timeout, ErrTimeout)
	defer cancel()
	l, err := r.session.dial(ctx, r.attends)
	if err != nil {
		return err
	}
	r.link = l
	r.left = &budget{link: l}
	r.br = bufio.NewReaderSize(r.left, 4096)
	return nil
}

// close gives the connection up.
func (r *requests) close() {
	if r.link != nil {
		r.session.drop(r.link)
		r.link = nil
	}
}

func (r *requests) head(method string, body []byte) []byte {
	req := r.session.appendRequest(nil, method, Polling)
	req = append(req, "Accept: */*\r\n"...)
	if method == http.MethodPost {
		req = append(req, "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: "...)
		req = strconv.AppendInt(req, int64(len(body)), 10)
		req = append(req, '\r', '\n')
	}
	return append(append(req, '\r', '\n'), body...)
}

// readBody appends a body of at most limit bytes to dst.
func readBody(dst []byte, body io.Reader, limit int) ([]byte, error) {
	begin := len(dst)
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := body.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst)-begin > limit:
			return dst, fmt.Errorf("%w: answer of more than %d bytes", ErrTooBig, limit)
		case err == io.EOF:
			return dst, nil
		case err != nil && isSyntax(err):
			return dst, fmt.Errorf("%w: %w", ErrNotSocketIO, err)
		case err != nil:
			return dst, err
		}
	}
}

// maxCookies bounds the cookies of a session, in bytes.
const maxCookies = 4096

// keepCookies keeps the cookies of a session's first answer for its other requests, as
// browsers do: balancers need them.
func (s *session) keepCookies(res *http.Response) {
	if s.step != opening {
		return
	}
	for _, c := range res.Cookies() {
		pair := c.Name + "=" + c.Value
		if len(s.cookies)+len(pair) > maxCookies || strings.ContainsAny(pair, "\r\n") {
			return
		}
		if s.cookies != "" {
			s.cookies += "; "
		}
		s.cookies += pair
	}
}
