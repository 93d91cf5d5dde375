package plan

// Shapes are Events compiled: what is sent to the server, but for the values that
// change with each message. They may be used by several goroutines at once.
type Shapes struct {
	// Receive is the event that carries a published payload.
	Receive string
	// Argument is the place of the payload among its arguments, 0 being the first.
	Argument int
	// JoinAck: joins and leaves are answered, and the answer says that they are done.
	JoinAck bool

	join, leave, publish, request template
}

// Compile makes Shapes of e; what is left out has the gateway's names.
func Compile(e Events) (*Shapes, error) {
	e = e.withDefaults()
	s := &Shapes{Receive: e.Receive, Argument: e.Argument, JoinAck: !e.NoJoinAck}
	if e.Argument < 0 || e.Argument > 15 {
		return nil, refuse("events.argument", e.Argument, "0 to 15, 0 being the first after the event's name")
	}
	for _, shape := range []struct {
		name  string
		array []any
		to    *template
		holes []string
		needs string
	}{
		{"join", e.Join, &s.join, []string{holeRoom, holeClient}, holeRoom},
		{"leave", e.Leave, &s.leave, []string{holeRoom, holeClient}, holeRoom},
		{"publish", e.Publish, &s.publish, []string{holeRoom, holePayload, holeClient}, holePayload},
		{"request", e.Request, &s.request, []string{holePayload, holeClient}, ""},
	} {
		key := "events." + shape.name
		if name, ok := shape.array[0].(string); !ok || name == "" || placeholder.MatchString(name) {
			return nil, refuse(key+"[0]", shape.array[0], "the event's name")
		}
		t, err := compileJSON(key, shape.array, e.Receive, shape.holes...)
		if err != nil {
			return nil, err
		}
		if shape.needs != "" && !t.has(shape.needs) {
			return nil, refuse(key, shape.array, "%s in it", shape.needs)
		}
		*shape.to = t
	}
	return s, nil
}

func (e Events) withDefaults() Events {
	orElse := func(v, d []any) []any {
		if len(v) == 0 {
			return d
		}
		return v
	}
	e.Join = orElse(e.Join, []any{"join", holeRoom})
	e.Leave = orElse(e.Leave, []any{"leave", holeRoom})
	e.Publish = orElse(e.Publish, []any{"publish", holeRoom, holeEvent, holePayload})
	e.Request = orElse(e.Request, []any{"leave", "nowhere"})
	if e.Receive == "" {
		e.Receive = "msg"
	}
	return e
}

// The Append methods append the JSON array of an event, its name first, and return
// dst extended; they allocate only if dst has no room. Rooms and payloads are UTF-8.

// AppendJoin is what makes a client a member of room.
func (s *Shapes) AppendJoin(dst, room []byte, client int) []byte {
	return s.join.append(dst, &values{room: room, client: client})
}

// AppendLeave is what ends a membership.
func (s *Shapes) AppendLeave(dst, room []byte, client int) []byte {
	return s.leave.append(dst, &values{room: room, client: client})
}

// AppendPublish sends payload to room.
func (s *Shapes) AppendPublish(dst, room, payload []byte, client int) []byte {
	return s.publish.append(dst, &values{room: room, payload: payload, client: client})
}

// AppendPublishAttached is AppendPublish with the payload as the packet's one attachment.
func (s *Shapes) AppendPublishAttached(dst, room []byte, client int) []byte {
	return s.publish.append(dst, &values{room: room, client: client, attached: true})
}

// AppendRequest asks for an ack. payload may be nil if RequestPayload is false.
func (s *Shapes) AppendRequest(dst, payload []byte, client int) []byte {
	return s.request.append(dst, &values{payload: payload, client: client})
}

// RequestPayload reports whether requests carry a payload.
func (s *Shapes) RequestPayload() bool { return s.request.has(holePayload) }

// attachable reports whether the payload can be an attachment: it is a value of its
// own, not part of a text.
func (s *Shapes) attachable() bool {
	for _, p := range s.publish {
		if p.hole == holePayload && !p.alone {
			return false
		}
	}
	return true
}
