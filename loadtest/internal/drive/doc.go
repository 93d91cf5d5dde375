// Package drive runs a plan: it connects clients to a server, has them do what their
// groups do, and tells what came of it.
//
// A run passes the plan's phases one after the other. One goroutine, that of Run,
// keeps the time: it enters phases, ends intervals and decides when it is over. Each
// group has a goroutine that brings clients, one that publishes, one that asks for
// acks at a rate, and one that does what is due for single clients (agenda). A client
// itself has only the reading goroutine of its wire.Client, which calls back here.
//
// Rates are open loops: what is due at a time is due then, whatever the server or this
// program does, and latencies count from that time (lane, pacer). Nothing waits for
// ever: each phase, the connecting and the end have a bound, after which the run goes
// on, or is over, with a result that says so.
package drive
