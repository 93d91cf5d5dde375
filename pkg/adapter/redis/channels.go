package redis

import "strings"

// channels names the Pub/Sub channels of one key prefix (protocol.md 4.1.2).
type channels struct {
	broadcast string // before the namespace
	request   string
	response  string
	probes    string // before the node
}

func newChannels(prefix string) channels {
	return channels{
		broadcast: prefix + "#", request: prefix + "-request#", response: prefix + "-response#", probes: prefix + "-probe#",
	}
}

// all is where emits to a whole namespace, or to several rooms of it, are published.
func (c channels) all(namespace string) string { return c.broadcast + namespace + "#" }

// room is where emits to exactly one room are published.
func (c channels) room(namespace, room string) string {
	return c.broadcast + namespace + "#" + room + "#"
}

// requests is where nodes ask each other.
func (c channels) requests(namespace string) string { return c.request + namespace + "#" }

// probe is where a node hears itself. It is in nobody else's patterns.
func (c channels) probe(uid string) string { return c.probes + uid + "#" }

// answers is where nodes answer the one that is called uid, or with "" any node.
func (c channels) answers(namespace, uid string) string {
	if uid == "" {
		return c.response + namespace + "#"
	}
	return c.response + namespace + "#" + uid + "#"
}

// target is where an emit to rooms is published.
func (c channels) target(namespace string, rooms []string) string {
	if len(rooms) == 1 {
		return c.room(namespace, rooms[0])
	}
	return c.all(namespace)
}

// private is the pattern of the rooms that are named by the ids of a node's sockets.
func (c channels) private(namespace, tag string) string {
	return escapeGlob(c.all(namespace)+tag) + "*"
}

// roomOf is the inverse of all and room: what channel addresses in namespace. The room
// is "" for the namespace itself. Names may contain '#', so the namespace must be known.
func (c channels) roomOf(channel, namespace string) (room string, ok bool) {
	rest, ok := strings.CutPrefix(channel, c.broadcast)
	if !ok {
		return "", false
	}
	if rest, ok = strings.CutPrefix(rest, namespace); !ok || !strings.HasPrefix(rest, "#") {
		return "", false
	}
	if rest = rest[1:]; rest == "" {
		return "", true
	}
	return strings.CutSuffix(rest, "#")
}

// globEscaper quotes what Redis gives a meaning in patterns.
var globEscaper = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`)

func escapeGlob(s string) string { return globEscaper.Replace(s) }

// The keys of a namespace have one hash tag.
func (c channels) key(namespace string) string { return "{" + c.broadcast + namespace + "}" }

// stream is the history of a namespace.
func (c channels) stream(namespace string) string { return c.key(namespace) + ":history" }

// head is the hash of what is known about it.
func (c channels) head(namespace string) string { return c.key(namespace) + ":head" }

// session is the record of a client that may come back.
func (c channels) session(namespace, pid string) string {
	return c.key(namespace) + ":session:" + pid
}
