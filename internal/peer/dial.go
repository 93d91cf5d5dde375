package peer

import (
	"context"
	"errors"
	"net"
	"os"
)

// dial connects to another node, within dialTimeout. It tries twice, in half that time
// each: the kernel repeats a lost SYN only after a second, and on a busy machine this
// process may get no turn until its time is over, though the other node has long agreed.
// That must not cost a client its session.
func (f *Forwarder) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := f.dialer.DialContext(ctx, network, address)
	if err != nil && timedOut(err) && ctx.Err() == nil {
		return f.dialer.DialContext(ctx, network, address)
	}
	return conn, err
}

func timedOut(err error) bool {
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
}
