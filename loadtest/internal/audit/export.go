package audit

import (
	"encoding/binary"
	"errors"
	"slices"
)

// Log is when one stream's messages were sent, for the workers whose clients it was
// sent to: 3 to 5 bytes for each message.
type Log struct {
	// Stream is its number, as in stamps; the upper 8 bits are the worker's.
	Stream uint32 `json:"stream"`
	// Room is the room's name.
	Room string `json:"room"`
	// Times are uvarints: the time of the first message in nanoseconds of the worker's
	// Audit.Now, and from each message to the next. The clock never stood still.
	Times []byte `json:"times"`
	// Doubts are numbers of messages that may never have reached the server: pairs of
	// the first one and the one after the last.
	Doubts [][2]uint32 `json:"doubts,omitempty"`
}

// ErrLog is a log that no worker can have made.
var ErrLog = errors.New("malformed send log")

// Worker returns the number of the worker whose stream it is.
func (l Log) Worker() int { return int(l.Stream / maxStreams) }

// Logs returns the logs of all streams of this process that sent something.
func (a *Audit) Logs() []Log {
	a.mu.Lock()
	rooms := make([]*Room, 0, len(a.rooms))
	for _, r := range a.rooms {
		rooms = append(rooms, r)
	}
	a.mu.Unlock()
	var logs []Log
	for _, r := range rooms {
		r.mu.Lock()
		for _, s := range slices.Concat(r.ended, r.live) {
			if s.log.n > 0 {
				logs = append(logs, s.export())
			}
		}
		r.mu.Unlock()
	}
	return logs
}

// export returns the stream's log. room.mu is held.
func (s *Stream) export() Log {
	l := Log{Stream: s.id, Room: s.room.name, Times: binary.AppendUvarint(nil, uint64(s.log.first))}
	for i, p := range s.log.pages {
		if i > 0 {
			l.Times = binary.AppendUvarint(l.Times, uint64(p.first-s.log.at(p.start-1)))
		}
		l.Times = append(l.Times, p.steps...)
	}
	for _, d := range s.doubts {
		l.Doubts = append(l.Doubts, [2]uint32{d.from, d.to})
	}
	return l
}

// times returns when each message was sent, shifted by offset nanoseconds, in into's
// memory. The error is ErrLog.
func (l Log) times(into []int64, offset int64) ([]int64, error) {
	into = into[:0]
	t := uint64(offset)
	for rest := l.Times; len(rest) > 0; {
		step, n := binary.Uvarint(rest)
		if n <= 0 || len(into) > 0 && (step == 0 || step > 1<<62) {
			return nil, ErrLog
		}
		t += step
		into = append(into, int64(t))
		rest = rest[n:]
	}
	return into, nil
}

// doubts returns the spans of l.Doubts. The error is ErrLog.
func (l Log) doubts() ([]span, error) {
	var spans []span
	for _, d := range l.Doubts {
		if d[0] >= d[1] || len(spans) > 0 && d[0] < spans[len(spans)-1].to {
			return nil, ErrLog
		}
		spans = append(spans, span{d[0], d[1]})
	}
	return spans, nil
}
