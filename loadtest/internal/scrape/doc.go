// Package scrape reads what servers use while they are under load: from their
// Prometheus metrics, or, of processes of this machine, from /proc. A server that does
// not answer, or answers nonsense, costs its own figures and nothing else: every
// request has a deadline and a limit of bytes, and servers are asked side by side.
package scrape
