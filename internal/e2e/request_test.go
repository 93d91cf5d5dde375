package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// answer is an HTTP answer to a raw request.
type answer struct {
	status int
	header http.Header
	body   string
}

func (a answer) String() string { return fmt.Sprintf("%d %.300q", a.status, a.body) }

var errNoAnswer = errors.New("no answer")

// exchange sends raw bytes on a new connection and reads one HTTP answer.
func exchange(t testing.TB, address, request string) (answer, error) {
	t.Helper()
	conn := dialTCP(t, address)
	defer func() { _ = conn.Close() }()
	write(t, conn, request)
	return readAnswer(conn)
}

func readAnswer(conn net.Conn) (answer, error) {
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return answer{}, fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, string(body)}, err
}

func getRequest(path string, headers ...string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headerLines(headers) + "\r\n"
}

func postRequest(path, body string, headers ...string) string {
	if !slices.ContainsFunc(headers, func(h string) bool { return strings.HasPrefix(h, "Content-Type:") }) {
		headers = append(headers, "Content-Type: text/plain;charset=UTF-8")
	}
	return "POST " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headerLines(headers) + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)) + body
}

func headerLines(headers []string) string {
	var lines strings.Builder
	for _, h := range headers {
		lines.WriteString(h + "\r\n")
	}
	return lines.String()
}
