// Package scrape reads what servers use while they are under load: from their
// Prometheus metrics, or, of processes of this machine, from /proc.
package scrape
