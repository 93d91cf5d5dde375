package socketio

// Memberships of a namespace with recovery begin at a place in its history. An index
// keeps those that begin behind what has been delivered, or where it is not known yet, in
// fresh: what lies in front of it is not for the socket, though it is in the room.

// unknown is where a membership begins of which that is not known yet.
var unknown = Offset{^uint64(0), ^uint64(0)}

// hide notes where the membership of s in r begins. It needs mu.
func (x *roomIndex) hide(r *room, s *Socket, since Offset) {
	if x.fresh == nil {
		x.fresh = make(map[*room]map[*Socket]Offset)
	}
	if x.fresh[r] == nil {
		x.fresh[r] = make(map[*Socket]Offset)
	}
	x.fresh[r][s] = since
}

// reveal makes a membership one like others. It needs mu.
func (x *roomIndex) reveal(r *room, s *Socket) {
	members := x.fresh[r]
	if members == nil {
		return
	}
	delete(members, s)
	if len(members) == 0 {
		delete(x.fresh, r)
	}
	if len(x.fresh) == 0 {
		x.fresh = nil
	}
}

// hides reports whether what was recorded at the audience's place was not for s by way of r.
func (a *audience) hides(r *room, s *Socket) bool {
	members := a.fresh[r]
	if members == nil {
		return false
	}
	since, ok := members[s]
	return ok && !a.at.After(since)
}
