// Package e2e tests the built programs from outside: cmd/gateway, and a small
// server of its own (server/) that offers what the gateway's relay events do
// not, driven by the official socket.io clients from npm (js/), by a real
// browser, and by raw bytes over TCP.
//
// A test starts the processes that it needs on free ports of the loopback
// address and ends them, by process id, when it is over. A race report, a panic
// or a failed exit of such a process fails the test, and its log is attached.
//
// Needed: Node.js with npm for the clients, redis-server for the tests across
// nodes, chromium for those in a browser. Without one of them the tests that
// need it are skipped with that reason; with CI=true they fail.
//
// CAUSEWAY_E2E_SERVER and CAUSEWAY_E2E_GATEWAY name programs to test in place of
// server/ and cmd/gateway, which must take the same flags: with one made of the
// reference, a run tests the tests.
package e2e
