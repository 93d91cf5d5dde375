// Package demo is the page at "/" of a gateway in development mode: two
// Socket.IO clients side by side, to see connections, upgrades, rooms and
// reconnections at work without installing anything.
//
// The page is static. Its files are part of the binary and refer to nothing
// outside it, so that it works offline; it speaks to the gateway over the public
// Socket.IO endpoint and the relay events alone, as any other client would.
// Nothing in it is secret, and nothing in it grants anything.
package demo
