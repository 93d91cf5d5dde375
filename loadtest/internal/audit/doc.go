// Package audit compares what clients received with what they should have.
//
// # A message's life
//
// A Publisher has a Stream for each room that it publishes to. Stream.Next numbers
// a message, notes when it was sent and who was in the room, and writes the stamp:
// a payload by which whoever receives it knows the stream, the number and the time
// it was due, and whether it has been changed on the way. A Subscriber is told what
// happens to its client, in order: Joining, Joined, Received, Leaving, Left,
// Disconnected, Finish. It judges each message when it comes, and what did not come
// when the client leaves the room, loses its connection, or ends.
//
// # What is due
//
// A room has a clock that never shows the same time twice. A message is due to a
// member when it was sent between the moment at which the answer to its join was
// handled and the moment at which the answer to its leave was, by that clock. What
// is due to a client that has lost its connection goes on being counted, as Gap,
// until the answer to its next join; to one that never got a connection as Absent.
//
// # Other workers
//
// What a publisher in another process sends is told by its stream's number, and counted
// as it comes; whether what did not come was due is known when the processes have
// exchanged their Logs. Judge compares those with when each subscriber was where, and
// leaves unjudged what the clocks are not exact enough for. Before that, Others and
// Subscriber.Awaits say whether something is still on its way.
//
// # Memory
//
// A subscriber in one room is 190 bytes; a stream 175 with its publisher and its first
// messages, and 3.4 to 5.8 for each message then; a pair of a subscriber and a stream of
// which it has got something 16, and 63 if the stream is another worker's. So a room of
// 1,000 in which everybody publishes is 16 MB. The tests of costs hold these figures.
//
// # Goroutines
//
// Audit, Room and Window may be used from any goroutine. A Subscriber belongs to one
// goroutine, its client's reading one; a Publisher and its Streams to one, which may
// be another. Only Received is on the path of every delivery: it takes no lock and
// allocates nothing while messages come in order.
package audit
