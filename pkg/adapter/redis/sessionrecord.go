package redis

import (
	"strconv"
	"strings"

	"github.com/causeway-rt/causeway/pkg/adapter/redis/internal/notepack"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// sessionPieces writes what a record is about, as a MessagePack array: id, user, data, since, and
// name, since and until of each room. Between two pieces belongs the head, as appendOffset
// writes it, in the place of a since that is not known yet. It must be the same bytes whenever it
// is the same session: Take compares them.
func sessionPieces(s *socketio.SavedSession) (pieces []string) {
	piece := notepack.AppendArray(make([]byte, 0, 128), 4+3*len(s.Rooms))
	since := func(at socketio.Offset) {
		if at.IsZero() {
			pieces, piece = append(pieces, string(piece)), nil
			return
		}
		piece = appendOffset(piece, at.String())
	}
	piece = notepack.AppendString(piece, s.SocketID)
	piece = notepack.AppendString(piece, s.User)
	piece = notepack.AppendString(piece, string(s.Data))
	since(s.Since)
	for _, room := range s.Rooms {
		piece = notepack.AppendString(piece, room.Name)
		since(room.Since)
		until := ""
		if !room.Until.IsZero() {
			until = room.Until.String()
		}
		piece = notepack.AppendString(piece, until)
	}
	return append(pieces, string(piece))
}

// parseSession reads a record. The names of the session are not in it.
func parseSession(record string) (*socketio.SavedSession, error) {
	parts := strings.SplitN(record, " ", 5)
	if len(parts) != 5 {
		return nil, notepack.ErrTruncated
	}
	r := sessionReader{Reader: notepack.NewReader(parts[4])}
	s := new(socketio.SavedSession)
	s.Epoch, r.err = strconv.ParseUint(parts[0], 10, 64)
	s.Sent, s.Seen = r.parse(parts[2]), r.parse(parts[3])
	n, err := r.Array()
	if err != nil || n < 4 || n%3 != 1 {
		return nil, notepack.ErrType
	}
	s.SocketID, s.User = r.text(), r.text()
	if data := r.text(); data != "" {
		s.Data = []byte(data)
	}
	s.Since = r.parse(r.text())
	for range n/3 - 1 {
		room := socketio.SavedRoom{Name: r.text(), Since: r.parse(r.text())}
		if until := r.text(); until != "" {
			room.Until = r.parse(until)
		}
		s.Rooms = append(s.Rooms, room)
	}
	if r.err == nil {
		r.err = r.End()
	}
	return s, r.err
}

// sessionReader keeps the first error.
type sessionReader struct {
	*notepack.Reader
	err error
}

func (r *sessionReader) text() string {
	s, err := r.Reader.String()
	if r.err == nil {
		r.err = err
	}
	return s
}

func (r *sessionReader) parse(text string) socketio.Offset {
	at, err := socketio.ParseOffset(text)
	if r.err == nil {
		r.err = err
	}
	return at
}
