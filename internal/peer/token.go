package peer

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strings"
)

// The headers between a Forwarder and a Receiver. None of them comes from a client or
// reaches one.
const (
	headerPrefix = "Causeway-Peer-"

	headerToken  = headerPrefix + "Token"
	headerFrom   = headerPrefix + "From"   // the tag of the node that forwards: it stops loops
	headerMethod = headerPrefix + "Method" // the client's
	headerClient = headerPrefix + "Client" // its address, host:port
	headerSecure = headerPrefix + "Secure" // 1 if its connection to the forwarding node is encrypted
	headerTook   = headerPrefix + "Took"   // in answers: the owner's own time until they began, in ns
)

// token is what authenticates requests to the node with a tag. It is made from the
// cluster key, which thus never travels, and is of no use at another node, such as one
// that has got the address of a dead one.
func token(key, tag string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("causeway peer 1\x00" + tag))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// same compares in a time that does not depend on where the two differ.
func same(got, want string) bool { return subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1 }

// hopByHop are the headers that concern one connection (RFC 9110, 7.6.1).
var hopByHop = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Connection": true, "Proxy-Authenticate": true, "Proxy-Authorization": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// endToEnd returns the headers of in that are for the other end. The values are shared.
func endToEnd(in http.Header) http.Header {
	out := make(http.Header, len(in)+6)
	for name, values := range in {
		if !hopByHop[name] && !strings.HasPrefix(name, headerPrefix) {
			out[name] = values
		}
	}
	for _, list := range in["Connection"] {
		for name := range strings.SplitSeq(list, ",") {
			delete(out, http.CanonicalHeaderKey(strings.TrimSpace(name)))
		}
	}
	return out
}
