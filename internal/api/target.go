package api

import "github.com/causeway-rt/causeway/pkg/socketio"

// userRoom begins the names of the rooms in which all sockets of a user are.
const userRoom = "user:"

// target is whom a request is about: sockets in any of the rooms, or everybody, but for
// those in other rooms. Users and sockets are rooms here.
type target struct {
	namespace     string
	rooms, except []string
}

// target reads namespace, target and except.
func (o *object) target() target {
	t := target{namespace: o.namespace()}
	raw := o.ask("target")
	if raw == nil {
		o.wrong("target", "missing: say whom this is about")
		return t
	}
	whom, _ := o.object(o.full("target"), raw)
	all := whom.toggle("all")
	t.rooms = whom.rooms()
	whom.end()
	if all == (len(t.rooms) > 0) {
		o.wrong(whom.path, `want rooms, users or sockets, or "all": true`)
	}
	if raw := o.ask("except"); raw != nil {
		left, _ := o.object(o.full("except"), raw)
		t.except = left.rooms()
		left.end()
	}
	if len(t.rooms)+len(t.except) > maxItems {
		o.wrong(whom.path, "want up to %d names, with those of except", maxItems)
	}
	return t
}

// rooms are the rooms of what an object names.
func (o *object) rooms() []string {
	rooms := o.nameList("rooms", "")
	rooms = append(rooms, o.nameList("users", userRoom)...)
	return append(rooms, o.nameList("sockets", "")...)
}

func (t target) in(n *socketio.Namespace) socketio.Emitter {
	return n.To(t.rooms...).Except(t.except...)
}
