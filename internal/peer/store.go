package peer

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// ErrTaken says that another node serves this node's tag.
var ErrTaken = errors.New("the node's tag is taken by another node")

// Store is where the nodes of a cluster write down where they are. Implementations
// may be called from any goroutine and return within the time of ctx.
type Store interface {
	// Claim writes the entry of a tag that nobody has, for ttl, and reports whether
	// that was so.
	Claim(ctx context.Context, tag string, entry []byte, ttl time.Duration) (bool, error)
	// Renew writes the entry of a tag for another ttl, and claims the tag again if
	// the entry is gone. It returns ErrTaken, and changes nothing, if the entry there
	// is not one of the node with this id.
	Renew(ctx context.Context, tag, id string, entry []byte, ttl time.Duration) error
	// Remove takes the entry away if it is one of the node with this id.
	Remove(ctx context.Context, tag, id string) error
	// List returns the entries of all nodes by tag.
	List(ctx context.Context) (map[string][]byte, error)
}

// isOf reports whether an entry was written by the node with this id.
func isOf(entry []byte, id string) bool {
	var n Node
	return json.Unmarshal(entry, &n) == nil && n.ID == id
}
