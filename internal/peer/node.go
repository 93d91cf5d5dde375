package peer

import (
	"encoding/json"
	"errors"
	"net"
	"strconv"
	"strings"
	"time"
)

const (
	tagBytes = 4
	// maxEntryBytes bounds what is read of one node in the registry, which others
	// may write to.
	maxEntryBytes = 4 << 10
	// maxNodes bounds the copy of the registry.
	maxNodes = 4096
)

// tagAlphabet is what session ids consist of.
const tagAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// Node is what a node says of itself in the registry.
type Node struct {
	// ID is different for every run of a node: it tells a claim from another's.
	ID string `json:"id"`
	// Address is where peers reach the internal listener, host:port. It is empty
	// until the node listens.
	Address string `json:"address"`
	// Version is the program's, for people.
	Version string `json:"version"`
	// Draining says that the node takes no new sessions. It still serves those it has.
	Draining bool `json:"draining"`
	// Started is when the node claimed its tag.
	Started time.Time `json:"started"`
}

var errEntry = errors.New("not an entry of a node")

// parseNode reads an entry. Anybody who may write to Redis may have written it.
func parseNode(tag string, entry []byte) (Node, error) {
	var n Node
	if !validTag(tag) || len(entry) > maxEntryBytes || json.Unmarshal(entry, &n) != nil || n.ID == "" {
		return Node{}, errEntry
	}
	if n.Address != "" && !validAddress(n.Address) {
		return Node{}, errEntry
	}
	return n, nil
}

func (n Node) entry() []byte {
	b, _ := json.Marshal(n) // strings, a bool and a time of this century always can be
	return b
}

func validTag(tag string) bool {
	return len(tag) == tagBytes && !strings.ContainsFunc(tag, func(r rune) bool { return !strings.ContainsRune(tagAlphabet, r) })
}

func validAddress(address string) bool {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || strings.ContainsAny(host, "/?#@ \r\n\t") {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}
