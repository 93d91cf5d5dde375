package crew

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/show"
)

// dial connects to a worker and makes sure that it is one, with our key.
func dial(ctx context.Context, address string, c Config) (*link, hello, error) {
	ctx, cancel := context.WithTimeout(ctx, c.silence())
	defer cancel()
	dialer := net.Dialer{KeepAlive: -1} // pings are sent
	raw, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, hello{}, unreachable(err)
	}
	// The certificate is not looked at because the key is: see proof.
	conn := tls.Client(raw, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
	from := bufio.NewReader(conn)
	h, err := greet(ctx, conn, from, c)
	if err != nil {
		hangUp(conn)
		return nil, hello{}, noWorker(err)
	}
	return newLink(conn, from, c.silence()), h, nil
}

// greet exchanges hellos.
func greet(ctx context.Context, conn *tls.Conn, from io.Reader, c Config) (hello, error) {
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
		defer func() { _ = conn.SetDeadline(time.Time{}) }()
	}
	if err := conn.HandshakeContext(ctx); err != nil {
		return hello{}, err
	}
	mine, err := proof(c.Key, conn, asCoordinator)
	if err != nil {
		return hello{}, err
	}
	b, err := frame(kindHello, hello{Protocol: protocol, Tool: c.Tool, Proof: mine})
	if err != nil {
		return hello{}, err
	}
	if _, err := conn.Write(b); err != nil {
		return hello{}, err
	}
	k, body, _, err := readFrame(from, mostUnknown)
	if err != nil {
		return hello{}, err
	}
	if err := faultIn(k, body); err != nil {
		return hello{}, err
	}
	h, err := decode[hello](body)
	if k != kindHello || err != nil {
		return hello{}, errStranger
	}
	if err := checkHello(h); err != nil {
		return hello{}, err
	}
	return h, checkProof(c.Key, conn, asWorker, h)
}

// refused is what a worker says of itself.
type refused string

func (r refused) Error() string { return string(r) }

// faultIn is the fault that a frame has, if it is one.
func faultIn(k kind, body []byte) error {
	if k != kindFault {
		return nil
	}
	f, err := decode[fault](body)
	if err != nil {
		return err
	}
	return refused(show.Plain(f.Text, 500))
}

var errStranger = errors.New("what answers there is no loadtest worker")

func unreachable(err error) error {
	var name *net.DNSError
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &name):
		return fmt.Errorf("the name %s has no address", name.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return errors.New("nobody listens there: start it with loadtest worker")
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return errors.New("it does not answer")
	}
	return err
}

// noWorker says of an error after the connection was made what it means.
func noWorker(err error) error {
	var record tls.RecordHeaderError
	var alert tls.AlertError
	switch {
	case errors.As(err, &record), errors.As(err, &alert), errors.Is(err, errTooLong):
		return errStranger
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return errors.New("it accepted the connection and says nothing: is it a loadtest worker?")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return errors.New("it closed the connection at once: is it a loadtest worker?")
	}
	return err
}
