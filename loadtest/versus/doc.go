// Command versus measures the gateway beside the official Node.js Socket.IO server,
// with the load tool's scenarios, and prints the table of docs/performance.md:
//
//	make compare
//	make compare ARGS='--rounds 5 --only fan1,fan16'
//	make compare ARGS='--base docs/results/2026-11-22.json'
//	make compare ARGS='--servers recovery,gateway --only cluster,cluster-paced'
//	make compare-recovery
//
// In each round every server is started afresh, in turn, so that a slow minute of the
// machine hits all of them; the figures are medians of the rounds. A server's cost is
// what /proc says of its processes. Linux only.
//
// The last one lets official clients of both servers suffer the same faults of nodes and of
// the network, and prints the table of docs/delivery.md: whose sessions recover, and what
// their clients miss.
//
// It needs Go, Node.js and npm, and redis-server for the workloads of a cluster.
// Everything stays on the loopback address.
package main
