// Package machine is about the machine that a load comes from: what it is, and
// whether it has what a plan needs. A run that would fail for want of descriptors or
// ports is refused before the first connection, with the limit's name and what to do;
// without that, it would look like a server that refuses connections.
package machine
