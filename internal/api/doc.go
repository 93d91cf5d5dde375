// Package api is a node's HTTP API for backends in any language: they emit to clients, move
// them between rooms, disconnect them, and ask who is there. It is mounted under Path on
// the internal listener, and speaks JSON.
//
// # The life of a request
//
// ServeHTTP reads from top to bottom what happens: the route is found, the key is checked,
// the body is read within its limits of size and time, an Idempotency-Key finds the answer
// that was given before, and then one of the functions of the table in route.go does what
// was asked. Each of these steps can end the request with a problem (RFC 9457), which names
// the field that is wrong.
//
// What goes to other nodes is waited for until the way to them has taken it: an emit that
// Redis has not accepted is answered with 503, never with ok. While the way is known
// to be broken nothing is done at all, so that the backend may try again.
//
// # Who may call what
//
// All methods of API may be called from any goroutine. Requests run in the goroutines of
// net/http; Close waits for them. Nothing here outlives a request, but for the
// answers that are kept for Idempotency-Key, within limits of number, bytes and age.
package api
