package engineio

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"
)

const packetMessage = '4'

// Session is one client's connection, whatever carries it.
type Session struct{}

// Errors of Send.
var (
	ErrClosed = errors.New("engineio: session is closed")
	ErrSlow   = errors.New("engineio: session closed as a slow consumer")
)

func (s *Session) ID() string                          { panic("stub") }
func (s *Session) Handshake() *Handshake               { panic("stub") }
func (s *Session) Transport() Transport                { panic("stub") }
func (s *Session) Send(batch ...*Message) error        { panic("stub") }
func (s *Session) SendVolatile(batch ...*Message) bool { panic("stub") }
func (s *Session) Close(reason Reason)                 { panic("stub") }
func (s *Session) Done() <-chan struct{}               { panic("stub") }

// Handshake is the first request of a session.
type Handshake struct{}

func (h *Handshake) Address() string      { panic("stub") }
func (h *Handshake) Headers() http.Header { panic("stub") }
func (h *Handshake) Query() url.Values    { panic("stub") }
func (h *Handshake) Secure() bool         { panic("stub") }
func (h *Handshake) CrossOrigin() bool    { panic("stub") }
func (h *Handshake) Issued() time.Time    { panic("stub") }
func (h *Handshake) URL() string          { panic("stub") }

// Server serves Engine.IO over HTTP.
type Server struct{}

func NewServer(cfg Config) (*Server, error)                             { panic("stub") }
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request)      { panic("stub") }
func (s *Server) NodeTag() string                                       { panic("stub") }
func (s *Server) Drain(ctx context.Context, window time.Duration) error { panic("stub") }
func (s *Server) Close(ctx context.Context) error                       { panic("stub") }
func (s *Server) Stats() Stats                                          { panic("stub") }

// Stats counts since the server began, but for the gauges, which say what is now.
type Stats struct {
	Sessions                                 map[Transport]int64 // gauge
	QueueBytes                               int64               // gauge
	Opened                                   int64
	Closed                                   map[Reason]int64
	Rejected                                 map[string]int64 // by reason, a fixed set
	Upgrades                                 int64
	PacketsIn, PacketsOut, BytesIn, BytesOut map[Transport]int64
	VolatileDropped                          int64
	SlowClosed                               int64
	Parked                                   int64 // gauge
}
