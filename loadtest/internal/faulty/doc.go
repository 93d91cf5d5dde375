// Package faulty has servers that do wrong, for tests of the load tool.
//
// Start runs a Socket.IO server that answers the gateway's relay events, and loses,
// repeats, swaps or changes a share of what it delivers. It counts deliveries, one
// message to one socket, and what it did to them, so that a test can say how many of
// each an audit must find. At most one thing is done to a delivery.
//
// StartBad runs one that is of no use at all, in one of several ways.
package faulty
