package gateway

import (
	"encoding/binary"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/causeway-rt/causeway/internal/rate"
	"github.com/causeway-rt/causeway/pkg/engineio"
)

// mostAddresses bounds the addresses whose handshakes are being counted: those with one in
// the last seconds. Some 2 MiB.
const mostAddresses = 1 << 16

// doors let new connections in at the rates that are allowed. Methods may be called from
// any goroutine.
type doors struct {
	node      *rate.Shared
	addresses *rate.Table[uint64]

	nodeRefused, addressRefused atomic.Int64
}

func newDoors(l Limits) *doors {
	return &doors{node: rate.NewShared(l.Handshakes), addresses: rate.NewTable[uint64](l.HandshakesPerAddress, mostAddresses)}
}

// admit answers a handshake that comes too early. An address that does too much takes
// nothing from the others' share of the node. It is told 429, with which no balancer
// tries another node; 503 lets one try, as it may have room.
func (d *doors) admit(client netip.Addr) engineio.Busy {
	if wait := d.addresses.Take(networkOf(client)); wait > 0 {
		d.addressRefused.Add(1)
		return engineio.Busy{Status: http.StatusTooManyRequests, RetryAfter: wait, Message: "too many new connections from this address"}
	}
	if wait := d.node.Take(); wait > 0 {
		d.nodeRefused.Add(1)
		return engineio.Busy{Status: http.StatusServiceUnavailable, RetryAfter: wait + rand.N(retrySpread), Message: "too many new connections"}
	}
	return engineio.Busy{}
}

// retrySpread keeps those who were put off together from coming back together.
const retrySpread = 5 * time.Second

// networkOf is what counts as one address: an IPv6 network of 64 bits, of which its user
// has every address, or an IPv4 address. These are told apart: nobody has an IPv6 address
// that begins with 32 zero bits, but for ::1, which is 0 like an address that is none.
func networkOf(a netip.Addr) uint64 {
	a = a.Unmap()
	switch {
	case a.Is4():
		b := a.As4()
		return uint64(binary.BigEndian.Uint32(b[:]))
	case a.Is6():
		b := a.As16()
		return binary.BigEndian.Uint64(b[:8])
	}
	return 0
}
