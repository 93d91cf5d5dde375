// Package access decides who may connect and what a client may do: it checks tokens
// (JSON Web Tokens, RFC 7519) and answers whether a room may be joined, left or
// published to. It knows no sockets: internal/gateway asks it, and does what it says.
//
// # The life of a member
//
// Admit checks the token of a CONNECT and returns a Member, or a Refusal with a code
// for the client. Enter begins to watch the member once it is connected: from then on
// its connection is sent away when its token ends. Renew and Replace exchange the token
// in between. Leave ends the watch.
//
// A member keeps its user's name, its grants and the end of its token, and not the token:
// some 64 bytes. Equal grants are shared.
//
// # Keys
//
// A key is a secret, a public key, or the URL of a set of public keys (JWKS, RFC 7517).
// Each has the algorithms that it may be used with; nothing in a token adds to them, or
// names a place to get a key from. Sets are fetched by a goroutine each, at most once in an
// interval, whatever clients send.
//
// # Concurrency
//
// All exported methods may be called from any goroutine, but those of one Member, and calls
// with it, one after the other. Run owns every goroutine; all have ended when it returns.
package access
