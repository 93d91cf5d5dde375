package wire

import "time"

// Handler takes what happens to a client. Its methods are called by the client's one
// reading goroutine, in order, and must not block: nothing is read meanwhile, not even
// pings. They may call every method of the client but Close.
type Handler interface {
	// Connected tells that the namespace was entered, the first time and after each
	// reconnection. The first call is made before Dial returns.
	Connected(c *Client, o Opened)
	// Event hands over an event. e is valid until the method returns.
	Event(c *Client, e *Event)
	// Disconnected tells that the session has ended, once for each Connected. Acks that
	// are still awaited fail after it.
	Disconnected(c *Client, err error)
	// Failed tells that an attempt to reconnect has failed. More attempts follow, unless
	// err is a *ConnectError or the client is closed; Done tells.
	Failed(c *Client, err error)
}

// UpgradeHandler is a Handler that wants to know how upgrades go.
type UpgradeHandler interface {
	// Upgraded tells that the session has gone over to WebSocket, or, if err is not nil,
	// that it stays with polling. took counts from the session's opening. It is told when
	// no GET is pending, so that a failure may have to wait for the server's next ping.
	Upgraded(c *Client, took time.Duration, err error)
}

// Opened is a connection that has been made.
type Opened struct {
	// SID is the socket's id, as of the server's CONNECT.
	SID string
	// Recovered says that the server has given the session before back: SID and rooms are
	// the same, and Event is called for everything that was missed. Without it, after a
	// reconnection, what was sent meanwhile is lost.
	Recovered bool
	// Took is the time from the beginning of this attempt, before the TCP connection, to
	// the server's CONNECT.
	Took time.Duration
	// Attempt is 0 for Dial, and counts the attempts of a reconnection from 1, including
	// those that Hold made fail.
	Attempt int
}

// Event is an event from the server. The slices are valid until the Handler's method
// returns.
type Event struct {
	// Name is the event's name, unescaped.
	Name []byte
	// Args are the elements after the name as they came: JSON with commas between,
	// without brackets. They are not parsed, so not checked to be JSON either. With
	// connection state recovery the last one is the event's offset, as the official client
	// has it.
	Args []byte
	// Attachments are the binary data that placeholders in Args stand for.
	Attachments [][]byte
	// At is when the bytes were read.
	At time.Time
	// WantsAck says that the server waits for an answer: Client.Ack(AckID, …).
	WantsAck bool
	AckID    uint64
}
