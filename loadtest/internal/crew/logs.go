package crew

import (
	"errors"
	"slices"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
)

const (
	// chunk is how many bytes of send logs go into one message.
	chunk = 512 << 10
	// mostLogBytes is how much a worker keeps of what others have sent: some 300 million
	// messages.
	mostLogBytes = 1 << 30
	// logOverhead is what a stream takes besides its times.
	logOverhead = 128
)

// sentLogs is how much of each stream's log has been sent.
type sentLogs map[uint32]sentLog

type sentLog struct{ times, doubts int }

// send sends what the logs have gained. In a message, Times continue those of the
// stream that were sent before, and Doubts, if there are any, are all of them.
func (s sentLogs) send(l *link, logs []audit.Log) {
	var batch []audit.Log
	size := 0
	flush := func() bool {
		err := l.send(kindLogs, batch)
		batch, size = nil, 0
		return err == nil
	}
	for _, log := range logs {
		was := s[log.Stream]
		s[log.Stream] = sentLog{len(log.Times), doubtful(log)}
		rest := log.Times[was.times:]
		if len(rest) == 0 && doubtful(log) == was.doubts {
			continue
		}
		for first := true; first || len(rest) > 0; first = false {
			n := min(len(rest), chunk-size)
			part := audit.Log{Stream: log.Stream, Room: log.Room, Times: rest[:n]}
			rest = rest[n:]
			if len(rest) == 0 {
				part.Doubts = log.Doubts
			}
			batch = append(batch, part)
			size += n + logOverhead + 24*len(part.Doubts)
			if size >= chunk && !flush() {
				return
			}
		}
	}
	if len(batch) > 0 {
		flush()
	}
}

// doubtful is how many messages there are doubts of: it grows when those change.
func doubtful(l audit.Log) (n int) {
	for _, d := range l.Doubts {
		n += int(d[1] - d[0])
	}
	return n
}

// logbook is what other workers have sent.
type logbook struct {
	streams map[uint32]*audit.Log
	bytes   int
}

var errManyLogs = errors.New("the other workers' send logs are more than 1 GiB: make a shorter run")

// add takes the content of a message.
func (b *logbook) add(logs []audit.Log) error {
	if b.streams == nil {
		b.streams = map[uint32]*audit.Log{}
	}
	for _, l := range logs {
		b.bytes += len(l.Times) + len(l.Room) + 8*len(l.Doubts) + logOverhead
		if b.bytes > mostLogBytes {
			return errManyLogs
		}
		have := b.streams[l.Stream]
		if have == nil {
			have = &audit.Log{Stream: l.Stream, Room: l.Room}
			b.streams[l.Stream] = have
		}
		have.Times = append(have.Times, l.Times...)
		if len(l.Doubts) > 0 {
			have.Doubts = slices.Clone(l.Doubts)
		}
	}
	return nil
}

// of returns the logs of the workers that are known. They stay as they are: what is
// added later is behind their ends.
func (b *logbook) of(known []bool) (logs []audit.Log) {
	for _, l := range b.streams {
		if w := l.Worker(); w < len(known) && known[w] {
			logs = append(logs, *l)
		}
	}
	return logs
}
