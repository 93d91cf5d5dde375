package main

import (
	"fmt"

	"github.com/causeway-rt/causeway/internal/gateway"
	"github.com/causeway-rt/causeway/internal/rate"
)

// defaultLimits protect a node without getting in the way of clients that mean well. On a
// developer's machine rates are such that a test of load does not meet them.
func defaultLimits(dev bool) gateway.Limits {
	l := gateway.Limits{
		// A node that is started again gets everybody at once: that is no flood.
		Handshakes: rate.Limit{PerSecond: 2000, Burst: 20_000},
		Events:     rate.Limit{PerSecond: 1000, Burst: 2000},
		// Who comes back joins all rooms again.
		Joins: rate.Limit{PerSecond: 100, Burst: 256},
		Rooms: 128, Namespaces: 16, PendingAcks: 1000,
	}
	if dev {
		l.Events = rate.Limit{PerSecond: 10_000, Burst: 20_000}
		l.Joins = l.Events
	}
	return l
}

const (
	mostPerSecond = 1_000_000
	mostRooms     = 10_000
	mostSpaces    = 1000
)

// readLimits reads what clients can make a node do.
func readLimits(m *mapping, cfg *gateway.Config) {
	l := &cfg.Limits
	l.ConnectionsPerUser = m.number("connections_per_user", l.ConnectionsPerUser, 0, mostThings)
	l.Handshakes = m.rate("handshakes", l.Handshakes)
	l.HandshakesPerAddress = m.rate("handshakes_per_address", l.HandshakesPerAddress)
	l.Events = m.rate("events_per_connection", l.Events)
	l.Joins = m.rate("joins_per_socket", l.Joins)
	l.Rooms = m.number("rooms_per_socket", l.Rooms, 1, mostRooms)
	l.Namespaces = m.number("namespaces_per_connection", l.Namespaces, 1, mostSpaces)
	l.PendingAcks = m.number("pending_acks_per_socket", l.PendingAcks, 1, mostRooms)
	m.done()
}

// rate is how often something may happen: per_second, and burst, which is twice as many if
// it is missing. Without the key it is unset.
func (m *mapping) rate(key string, unset rate.Limit) rate.Limit {
	r := m.mapping(key)
	if r == nil {
		return unset
	}
	if !r.has("per_second") {
		r.refuse("per_second", fmt.Sprintf("a whole number from 0 (no limit) to %d", mostPerSecond))
	}
	n := r.number("per_second", 0, 0, mostPerSecond)
	l := rate.Limit{PerSecond: n, Burst: r.number("burst", 2*n, 1, mostThings)}
	r.done()
	return l
}
