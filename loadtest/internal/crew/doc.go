// Package crew makes one run of several processes, on several machines: a Worker on each
// of them, and Run, which directs them. Run drives no clients itself.
//
// # A run
//
// Over one TCP connection to each worker, which lasts as long as the run:
//
//	coordinator                worker
//	hello        →             the version of the protocol, and the proof of the key
//	             ←   hello     the same; or fault: why not
//	plan         →             the whole plan, and which part of it is the worker's
//	             ←   ready     it is possible, on that machine; or fault
//	ping         ↔   pong      compares the clocks: several at once now, and later four a second
//	start        →             when the run began, and how far the clocks are apart
//	             ←   arrived   at the start of a phase
//	enter        →             when all have: the moment at which all enter it
//	             ←   interval  what happened in each interval
//	clocks       →             each second: how far they are apart by now
//	             ←   logs, drained   when it sends nothing more: when it sent what
//	logs, settle →             when all have: the logs of the others. It waits for what is on its way
//	             ←   logs, ended     its clients are gone; what the logs have gained
//	logs, judge  →             when all have ended
//	             ←   result    its part of the result, with the final audit
//
// Besides, stop ends the run early and in order, say is a line for people, and fault is
// why a worker cannot go on. A worker that is lost takes part in no meeting any more; the
// others go on. A worker whose coordinator is lost stops its clients at once.
//
// # On the wire
//
// TLS 1.3, with a certificate that means nothing: who holds the key proves it by an HMAC
// over what only the two ends of the connection know (access.go). In it, frames: four
// bytes of length, one that says the kind, and JSON. Nothing is read that is longer than
// a limit, and nothing is waited for longer than Config.Silence.
//
// # Clocks
//
// A process tells the time by an audit.Clock. Times on the wire are the worker's own: the
// coordinator, who knows the difference, translates. How exactly it is known is in the
// result, and what the audit is not sure of because of it stays unjudged.
package crew
