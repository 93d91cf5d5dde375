package socketio

// Recovered reports whether the socket goes on with the session of one before, as its
// client has come back within the namespace's Recovery.Window: it has the same id, the rooms that
// one was in, and its Data. Middlewares run for it as for any other. While they do it may still turn
// out that the session can't go on: then they run again, for another socket.
func (s *Socket) Recovered() bool { return s.life != nil && s.life.recovered }

// SetUser says whose the socket is, for a recovery: a session is only gone on with by a
// client for whom the middlewares have said the same. Call it in a middleware, from what the client has
// proved. Without it, who knows a session's secret may go on with it.
func (s *Socket) SetUser(user string) {
	l := s.life
	if l == nil {
		return
	}
	l.mu.Lock()
	changed := l.user != user
	l.user = user
	l.mu.Unlock()
	if changed {
		s.saveSoon()
	}
}
