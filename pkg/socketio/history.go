package socketio

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// Recovery says how clients of a namespace get what they missed while they were away
// (connection state recovery, protocol.md 3.8). Every node of a cluster must have the same.
type Recovery struct {
	// Window is how long a client may be away. 0 means that none can recover, and that
	// events have no history.
	Window time.Duration
	// MaxEvents and MaxBytes bound what one client is sent when it comes back. A client that
	// missed more starts afresh, and is told so. 0 means 1,000 and 1 MiB.
	MaxEvents, MaxBytes int
}

// HistoryAdapter is an Adapter that can keep a History. A Server with Config.Recovery needs
// one, unless it has no adapter at all.
type HistoryAdapter interface {
	Adapter
	History
}

// History keeps, for namespaces with recovery, what was sent in the last time, in one order,
// and the sessions that may come back, where every node of the cluster finds them. All
// methods may be called from any goroutine. Those with a context wait for an answer, and
// return the context's cause when it ends.
type History interface {
	// Record appends an event to its namespace's history, and sends it to every node that
	// hears it, this one included: they get it by HistoryNode.DeliverRecorded. It does not
	// wait. With an error the event went nowhere. Without one b.Confirm is told what became of
	// it: nil when it is in the history. What one goroutine records stays in order.
	Record(b *Broadcast) error
	// Read calls f for each event of the history behind after, in order, until f returns
	// false, and returns the head: the last event of the history, at a moment after Read was
	// called. If f returned false it is the last event that f was given. ErrForgotten says
	// that the history does not reach back to after, or has no event there: what lies
	// behind after can't be had for certain. f has been called then only if that came about
	// while the history was read; what it was given is right, but not all.
	Read(ctx context.Context, namespace string, after Offset, f func(b *Broadcast, at Offset) bool) (head Offset, err error)
	// Save writes a session that this node owns, and returns the head of the history at that
	// moment, which takes the place of every Since of s, and of its Rooms, that is zero. Once it has returned the session
	// can be taken. ErrSessionTaken says that it belongs to somebody else now. One that has expired is
	// written anew.
	Save(ctx context.Context, s *SavedSession) (head Offset, err error)
	// Look returns a session as it was saved last, or ErrNoSession. It changes nothing.
	Look(ctx context.Context, namespace, pid string) (*SavedSession, error)
	// Take makes this node the owner of a session that Look has returned, and counts its
	// Epoch up, in the record and in s. The former owner, if it lives, gets HistoryNode.Taken. ErrSessionTaken
	// says that somebody else has taken it since Look, or written it; look again.
	Take(ctx context.Context, s *SavedSession) error
	// Keep keeps sessions of this node from expiring, and notes their Sent and Seen. Nothing else
	// of them is looked at but Namespace, PID and Epoch. It returns those that must be saved again, because the record is gone or
	// was written by somebody else: Save tells which.
	Keep(ctx context.Context, sessions []*SavedSession) (stale []*SavedSession, err error)
	// Release is the end of a session's connection. If the client may come back its record lives on
	// for the namespace's Window, otherwise it is removed. A record that somebody else has taken stays as it is.
	Release(ctx context.Context, s *SavedSession, mayReturn bool) error
}

// SavedSession is what another node needs to know of a socket to go on in its place.
type SavedSession struct {
	Namespace string
	// PID is the secret by which the client names its session: 24 characters, 144 random bits.
	PID string
	// Epoch counts how often the session has been taken, and so names its owner.
	Epoch uint64
	// SocketID stays the same for as long as the session lives.
	SocketID string
	// User is who may come back: what Socket.SetUser was told.
	User string
	// Since is where the socket was connected: what is in front of it was not for it.
	Since Offset
	// Sent is the last event that was sent to the client, and Seen up to where everything that was
	// for it had been sent when that was noted. So a client that has got Sent has missed nothing until Seen.
	Sent, Seen Offset
	// Rooms are those the socket is in, but for its own, and those that it was in a short time
	// ago: what was sent there before it left may still be missing.
	Rooms []SavedRoom
	// Data is the JSON of Socket.Data, or nil.
	Data json.RawMessage
}

// SavedRoom is a stay of a socket in a room: events behind Since were for the socket, up to
// Until if it has left. A socket that has come back to a room has several of one name.
type SavedRoom struct {
	Name         string
	Since, Until Offset // Until is zero as long as the socket is in the room
}

// HistoryNode is a Node with a history. The Node that a Server with Config.Recovery gives to
// Run is one. No method blocks.
type HistoryNode interface {
	Node
	// Recovery returns the settings of a namespace, with defaults. Window is 0 if it has none.
	Recovery(namespace string) Recovery
	// DeliverRecorded is Deliver for an event of the history. Events come in their order;
	// one that is not behind Position is a repetition, and nobody gets it: the error is
	// ErrRepeated then.
	DeliverRecorded(b *Broadcast, at Offset) error
	// Position is up to where this node has been given everything of a namespace's history that it
	// wanted to hear.
	Position(namespace string) Offset
	// Advance moves Position on to at, if it is behind: nothing that this node wanted to hear lies
	// between.
	Advance(namespace string, at Offset)
	// Taken says that somebody else has taken a session: its socket ends here, silently. It does nothing
	// if the session's Epoch here is epoch or later.
	Taken(namespace, pid string, epoch uint64)
	// Missed says that what lies between Position and at can't be had. Every socket of the
	// namespace ends in a way that makes its client come back, afresh, and is counted as told of
	// a loss. Position becomes at, even if that lies in front of it.
	Missed(namespace string, at Offset, cause error)
	// Resave says that the records of the sessions may be gone: all are looked at soon.
	Resave()
}

// Errors of a History. Compare with errors.Is.
var (
	// ErrForgotten says that the history does not go back so far.
	ErrForgotten = errors.New("history does not go back so far")
	// ErrDiverged is an ErrForgotten of a history that has lost events which it had accepted.
	ErrDiverged = errors.New("history has lost accepted events")
	// ErrNoSession says that there is no such session, or no longer.
	ErrNoSession = errors.New("no such session")
	// ErrSessionTaken says that a session belongs to somebody else.
	ErrSessionTaken = errors.New("session was taken")
	// ErrRepeated says that an event has been delivered before.
	ErrRepeated = errors.New("event was delivered before")
)
