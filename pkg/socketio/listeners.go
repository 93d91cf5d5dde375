package socketio

import "slices"

// listeners are what a program has registered on one socket. The slices only
// grow, so that a header copied under the socket's mu can be read without it.
type listeners struct {
	events        []handler
	any           []func(*Event)
	outgoing      []func(event string, args Args)
	use           []func(*Event) error
	disconnecting []func(Reason)
	disconnect    []func(Reason)
	errors        []func(error)
}

// On adds a handler for an event. What is the same for all sockets costs less on
// the Namespace. No client can send an event with a reserved name (ErrReservedEvent): for
// the socket's end there are OnDisconnecting and OnDisconnect.
func (s *Socket) On(event string, f func(*Event)) {
	listen(s, func(l *listeners) { l.events = append(l.events, handler{event, f}) })
}

// OnAny adds a listener for all events. It is called before middlewares and handlers.
func (s *Socket) OnAny(f func(*Event)) { listen(s, func(l *listeners) { l.any = append(l.any, f) }) }

// OnAnyOutgoing adds a listener for all events that are sent to this socket,
// broadcasts included, acks not. It is called in the goroutine that emits, which
// for an emit of another node is the adapter's, and must not block. On a socket that
// has ended it does nothing.
func (s *Socket) OnAnyOutgoing(f func(event string, args Args)) {
	listen(s, func(l *listeners) {
		if s.state.Load() >= stateEnded {
			return // stopOverhearing comes after the state, or has come
		}
		if len(l.outgoing) == 0 {
			s.ns.outgoing.Add(1)
		}
		l.outgoing = append(l.outgoing, f)
	})
}

// stopOverhearing is called once, when the socket has ended.
func (s *Socket) stopOverhearing() {
	if len(s.outgoingListeners()) > 0 {
		s.ns.outgoing.Add(-1)
	}
}

// Use adds a middleware for the events of this socket. An error keeps the event
// from its handlers and goes to OnError; the client is told nothing.
func (s *Socket) Use(middleware func(*Event) error) {
	listen(s, func(l *listeners) { l.use = append(l.use, middleware) })
}

// OnDisconnecting adds a function for the end of the socket, while it is still in
// its rooms.
func (s *Socket) OnDisconnecting(f func(Reason)) {
	listen(s, func(l *listeners) { l.disconnecting = append(l.disconnecting, f) })
}

// OnDisconnect adds a function for the end of the socket, when it has left its rooms.
func (s *Socket) OnDisconnect(f func(Reason)) {
	listen(s, func(l *listeners) { l.disconnect = append(l.disconnect, f) })
}

// OnError adds a function for errors of middlewares, and for what the client sent
// when it was not a packet.
func (s *Socket) OnError(f func(error)) {
	listen(s, func(l *listeners) { l.errors = append(l.errors, f) })
}

func listen(s *Socket, add func(*listeners)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listeners == nil {
		s.listeners = new(listeners)
	}
	add(s.listeners)
}

// heard returns the listeners as they are now.
func (s *Socket) heard() listeners {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listeners == nil {
		return listeners{}
	}
	return *s.listeners
}

func (s *Socket) outgoingListeners() []func(string, Args) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listeners == nil {
		return nil
	}
	return slices.Clip(s.listeners.outgoing)
}
