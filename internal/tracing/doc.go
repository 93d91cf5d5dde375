// Package tracing makes OpenTelemetry traces of what a gateway does, and sends them as OTLP
// over HTTP. Without configuration there is no Tracer, and nothing in a gateway's way: it
// works by wrapping the adapter and the handler of handshakes.
//
// # Spans
//
// A handshake is a span. An emit is a span with two others in it: deliver, the hand-over to
// this node's clients, and publish, until the adapter confirms that the event has left for
// the others, which may be after the emit has returned. On each other node, deliver is a trace of its own: the messages between nodes are those of the
// official adapter, which have no place for a trace's identity, and a peer would trip
// over one. What belongs together has the same causeway.event.id, a hash of the
// event and its target, and every node decides by that hash whether to trace an event: of a
// traced event all nodes have their part. Two events with the same content have the same id;
// their times tell them apart.
//
// What clients send is in no span: rooms, and the events' names and arguments, may be personal.
// A room is a hash, which hides its name from who does not guess it.
//
// All methods may be called from any goroutine.
package tracing
