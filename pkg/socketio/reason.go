package socketio

import "github.com/causeway-rt/causeway/pkg/engineio"

// Reason says why a socket ended. The values are the reference's strings, and the last
// four, which it does not have.
type Reason string

// Why sockets end.
const (
	ReasonServerDisconnect Reason = "server namespace disconnect" // Socket.Disconnect
	ReasonClientDisconnect Reason = "client namespace disconnect" // the client left the namespace
	ReasonServerShutdown   Reason = "server shutting down"        // Server.Close
	ReasonPingTimeout      Reason = "ping timeout"
	ReasonTransportClose   Reason = "transport close"
	ReasonTransportError   Reason = "transport error"
	ReasonParseError       Reason = "parse error"         // not an Engine.IO packet
	ReasonForcedClose      Reason = "forced close"        // not a Socket.IO packet
	ReasonForcedServer     Reason = "forced server close" // a packet out of place, or nothing joined in time
	ReasonSlow             Reason = "slow consumer"       // the client's queue overflowed
	ReasonSentAway         Reason = "sent away"           // Socket.SendAway
	ReasonTakenOver        Reason = "taken over"          // the client goes on with its session over another connection
	ReasonMissed           Reason = "events missed"       // what this node could not get may have been for it: the client starts afresh
)

// reasons lists all of them, so that they can be counted without a lock.
var reasons = [...]Reason{
	ReasonServerDisconnect, ReasonClientDisconnect, ReasonServerShutdown, ReasonPingTimeout, ReasonTransportClose,
	ReasonTransportError, ReasonParseError, ReasonForcedClose, ReasonForcedServer, ReasonSlow, ReasonSentAway,
	ReasonTakenOver, ReasonMissed,
}

// recoverable reports whether a client whose socket ended so may go on with its session, if
// it still is its own.
func (r Reason) recoverable() bool {
	switch r {
	case ReasonServerDisconnect, ReasonClientDisconnect, ReasonMissed:
		return false
	}
	return true
}

// reasonOf says in Socket.IO's terms why a session ended; the strings are the same.
func reasonOf(r engineio.Reason) Reason {
	for _, known := range reasons {
		if Reason(r) == known {
			return known
		}
	}
	return ReasonTransportError
}
