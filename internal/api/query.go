package api

import (
	"net/url"
	"strconv"
	"strings"
)

// The number of items on a page.
const (
	usualLimit = 100
	maxLimit   = 1000
)

// query is the query of a GET. Its methods are like those of object.
type query struct {
	*decoder
	values url.Values
	asked  []string
}

func (c *call) query() *query {
	q := &query{decoder: &decoder{maxName: c.cfg.MaxNameBytes}}
	var err error
	if q.values, err = url.ParseQuery(c.r.URL.RawQuery); err != nil {
		q.wrong("", "the query can't be read")
	}
	return q
}

func (q *query) all(name string) []string {
	q.asked = append(q.asked, name)
	return q.values[name]
}

// one is a value that may be there once.
func (q *query) one(name, unset string) string {
	switch v := q.all(name); len(v) {
	case 0:
		return unset
	case 1:
		return v[0]
	}
	q.wrong(name, "it is there twice")
	return unset
}

func (q *query) namespace() string {
	s := q.one("namespace", "/")
	q.checkNamespace(s)
	return s
}

// page is which part of a list is wanted: limit items that come after one.
func (q *query) page() (after string, limit int) {
	after = q.one("after", "")
	if len(after) > q.maxName {
		q.wrong("after", "want up to %d bytes", q.maxName)
	}
	limit, err := strconv.Atoi(q.one("limit", strconv.Itoa(usualLimit)))
	if err != nil || limit < 1 || limit > maxLimit {
		q.wrong("limit", "want a whole number from 1 to %d", maxLimit)
	}
	return after, limit
}

// target is whom the question is about.
func (q *query) target() target {
	t := target{namespace: q.namespace()}
	for name, prefix := range map[string]string{"room": "", "user": userRoom, "socket": ""} {
		for _, v := range q.values[name] {
			q.checkName(name, v, len(prefix))
			t.rooms = append(t.rooms, prefix+v)
		}
	}
	q.asked = append(q.asked, "room", "user", "socket")
	all := q.one("all", "false")
	if all != "true" && all != "false" {
		q.wrong("all", "want true or false")
	}
	if (all == "true") == (len(t.rooms) > 0) || len(t.rooms) > maxItems {
		q.wrong("room", "want up to %d of room, user and socket, or all=true", maxItems)
	}
	return t
}

// end refuses what nobody has asked for.
func (q *query) end() *problem {
	for name := range q.values {
		known := false
		for _, a := range q.asked {
			known = known || a == name
		}
		if !known {
			q.wrong(shown(name), "unknown; there may be %s", strings.Join(q.asked, ", "))
		}
	}
	return q.problem
}
