// Package redistest gives tests a real Redis server: a container of redis:7 where a
// Docker engine answers, else the redis-server of this machine on a free port. Where
// there is neither, the test is skipped with the reason, or fails if CI is true.
//
// Start is for most tests: the server is shared by all tests of a binary that run at
// the same time, so they need key prefixes of their own (see Prefix). With Main in
// TestMain it is shared by all tests of the binary. StartFaulty is for tests that take
// the server away: it puts a proxy of its own before the shared server.
package redistest
