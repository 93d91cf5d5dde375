package crew

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
)

const (
	// greeting is how long a coordinator may take up to its plan.
	greeting = 10 * time.Second
	// mostStrangers is how many connections may be open at once. One makes a run; others
	// are refused, and those of strangers take little of each other's time.
	mostStrangers = 16
	// handOver is how long a coordinator waits for the run before its own to be over.
	handOver = 300 * time.Millisecond
)

// Worker makes parts of runs, one at a time. Its fields are not changed once it serves.
type Worker struct {
	// Key is the secret of those whose plans are run; nil: everybody's are.
	Key []byte
	// Tool is the program's name and version.
	Tool string
	// Sources are the addresses of this machine that clients connect from, in place of
	// those of the plan.
	Sources []string
	// Log is told what happens, for people, from any goroutine. It may be nil.
	Log func(string)

	clock *audit.Clock // for tests; nil: this machine's
}

// service is a Worker that serves.
type service struct {
	*Worker
	tls   *tls.Config
	clock *audit.Clock
	turn  chan string // of one: who has the run

	mu sync.Mutex
	// Guarded by mu.
	user string // whose turn it is
}

// Serve serves coordinators until ctx ends. Then it returns nil, when their run has been
// ended, which takes the time that the clients take to go.
func (w *Worker) Serve(ctx context.Context, l net.Listener) error {
	cert, err := certificate()
	if err != nil {
		return err
	}
	s := &service{Worker: w, clock: w.clock, turn: make(chan string, 1)}
	s.tls = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS13}
	if s.clock == nil {
		s.clock = audit.NewClock()
	}
	var serving sync.WaitGroup
	defer serving.Wait()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	open := make(chan struct{}, mostStrangers)
	for {
		conn, err := l.Accept()
		if err != nil && (ctx.Err() != nil || errors.Is(err, net.ErrClosed)) {
			return nil
		}
		if err != nil { // out of descriptors, as a rule
			s.say("accept: %v", err)
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
			continue
		}
		select {
		case open <- struct{}{}:
			serving.Go(func() {
				s.serve(ctx, conn)
				<-open
			})
		default:
			conn.Close()
		}
	}
}

func (s *service) say(format string, args ...any) {
	if s.Log != nil {
		s.Log(fmt.Sprintf(format, args...))
	}
}

// serve has one connection from beginning to end.
func (s *service) serve(ctx context.Context, raw net.Conn) {
	conn := tls.Server(raw, s.tls)
	defer hangUp(conn)
	from := bufio.NewReader(conn)
	peer := raw.RemoteAddr().String()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { hangUp(conn) })
	defer stop()
	if err := s.greet(ctx, conn, from); err != nil {
		s.say("%s was refused: %v", peer, err)
		return
	}
	if err := s.take(ctx, peer); err != nil {
		s.say("%s was refused: %v", peer, err)
		refuse(conn, err)
		return
	}
	defer s.release()
	mine, err := s.hello(conn)
	if err != nil {
		return
	}
	if _, err := conn.Write(mine); err != nil {
		return
	}
	_ = conn.SetDeadline(time.Time{})
	stop()
	l := newLink(conn, from, greeting)
	defer l.close()
	run(ctx, s, l, peer)
}

// greet makes sure that who has called is a coordinator with our key.
func (s *service) greet(ctx context.Context, conn *tls.Conn, from *bufio.Reader) error {
	_ = conn.SetDeadline(time.Now().Add(greeting))
	if err := conn.HandshakeContext(ctx); err != nil {
		return err
	}
	k, body, _, err := readFrame(from, mostUnknown)
	if err != nil {
		return err
	}
	h, err := decode[hello](body)
	if k != kindHello || err != nil {
		return errors.New("it is no loadtest")
	}
	if err = checkHello(h); err == nil {
		err = checkProof(s.Key, conn, asCoordinator, h)
	}
	if err != nil {
		refuse(conn, err)
	}
	return err
}

// refuse says why a coordinator is not served.
func refuse(conn *tls.Conn, why error) {
	if b, err := frame(kindFault, fault{Text: why.Error()}); err == nil {
		if _, err := conn.Write(b); err == nil {
			_ = conn.CloseWrite() // an end in order: what was said arrives
		}
	}
}

func (s *service) hello(conn *tls.Conn) ([]byte, error) {
	mine, err := proof(s.Key, conn, asWorker)
	if err != nil {
		return nil, err
	}
	return frame(kindHello, hello{Protocol: protocol, Tool: s.Tool, Proof: mine})
}

// take waits a little for the run to be the peer's.
func (s *service) take(ctx context.Context, peer string) error {
	late := time.NewTimer(handOver)
	defer late.Stop()
	select {
	case s.turn <- peer:
		s.mu.Lock()
		s.user = peer
		s.mu.Unlock()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-late.C:
		s.mu.Lock()
		defer s.mu.Unlock()
		return fmt.Errorf("it is making a run for %s, and makes one at a time", s.user)
	}
}

func (s *service) release() { <-s.turn }
