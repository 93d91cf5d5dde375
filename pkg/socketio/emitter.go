package socketio

import (
	"fmt"
	"slices"
	"time"
)

// Emitter addresses a set of sockets of one namespace, on all nodes: those in any
// of its rooms, or all when it names none, and in none of its exceptions. It is a
// value: each method returns a new one, and it may be kept and shared.
type Emitter struct {
	ns         *Namespace
	rooms      []string
	except     []string
	timeout    time.Duration
	volatile   bool
	local      bool
	noCompress bool
	confirm    func(error)
}

// To adds rooms. A socket's id is a room with that socket in it. A socket that is
// in several of the rooms gets an event once.
func (e Emitter) To(rooms ...string) Emitter {
	e.rooms = slices.Concat(e.rooms, rooms)
	return e
}

// In is To.
func (e Emitter) In(rooms ...string) Emitter { return e.To(rooms...) }

// Except leaves the members of rooms out.
func (e Emitter) Except(rooms ...string) Emitter {
	e.except = slices.Concat(e.except, rooms)
	return e
}

// Volatile drops an event for each socket that can't be written to at once.
func (e Emitter) Volatile() Emitter { e.volatile = true; return e }

// Local keeps an event on this node.
func (e Emitter) Local() Emitter { e.local = true; return e }

// Compress says whether HTTP compression may be used for an event. It may, by default.
func (e Emitter) Compress(on bool) Emitter { e.noCompress = !on; return e }

// Confirm has f told, once, what became of an Emit, a SocketsJoin, a SocketsLeave or a
// DisconnectSockets that returned no error of the adapter: nil when the way to the other
// nodes has taken it, as Redis does with its answer, and the reason when it has not, or when that
// is not known. f is called from any goroutine, possibly before the method returns, and must
// not block. Without an adapter there is nobody else to tell, and f gets nil.
func (e Emitter) Confirm(f func(error)) Emitter { e.confirm = f; return e }

// Timeout bounds the waits of EmitWithAck and FetchSockets. 0 means the deadline of their
// context, or 5 s if it has none.
func (e Emitter) Timeout(d time.Duration) Emitter { e.timeout = d; return e }

// Emit sends an event. Arguments are encoded as encoding/json does, but for
// Binary and []byte, which travel as attachments, and Raw, which is sent as it
// came. Emits of one caller reach each socket in their order. With ErrReservedEvent,
// ErrTooManyTargets, or an error about an argument (ErrTooManyAttachments,
// ErrPlaceholder, ErrInvalidJSON, encoding/json's) the event went nowhere. Any other
// error is the adapter's: other nodes may not have got the event; this node's sockets
// have. In a namespace with recovery it went nowhere then, unless it is volatile or local; without
// an error it reaches the sockets of this node when it comes back from the history.
func (e Emitter) Emit(event string, args ...any) error {
	b, err := e.broadcast(event, args)
	if err != nil {
		return err
	}
	e.ns.server.counters.emits.Add(1)
	if r := e.ns.recovery; r != nil && !e.volatile && !e.local {
		return r.history.Record(b)
	}
	a := e.ns.server.cfg.Adapter
	if a == nil || e.local {
		e.ns.deliver(b)
		confirm(e.confirm)
		return nil
	}
	return a.Broadcast(e.ns.server.ctx, b, func() { e.ns.deliver(b) })
}

// checkEmit refuses an event that is beyond the limits for what comes in: other nodes have
// the same.
func (s *Server) checkEmit(data []byte, attachments [][]byte) error {
	if s.cfg.Adapter == nil {
		return nil
	}
	if _, _, err := parseEvent(data, attachments, &s.limits); err != nil {
		return fmt.Errorf("emit: %w", err)
	}
	return nil
}

// broadcast encodes an event for this emitter's target.
func (e Emitter) broadcast(event string, args []any) (*Broadcast, error) {
	data, attachments, err := encodeEvent(event, args)
	if err != nil {
		return nil, err
	}
	if e.ns.server.cfg.Adapter != nil && !e.local {
		// What the other nodes would refuse goes nowhere.
		if len(e.rooms)+len(e.except) > maxTargets {
			return nil, ErrTooManyTargets
		}
		if err := e.ns.server.checkEmit(data, attachments); err != nil {
			return nil, err
		}
	}
	return &Broadcast{
		Namespace: e.ns.name, Rooms: e.rooms, Except: e.except,
		Data: data, Attachments: attachments,
		Volatile: e.volatile, NoCompress: e.noCompress, Local: e.local, Confirm: e.confirm,
	}, nil
}
