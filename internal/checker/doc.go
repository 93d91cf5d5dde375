// Package checker judges what a Socket.IO service with connection state recovery has
// promised, by the histories of its clients: what they have asked for, been answered and
// received, and when.
//
// A Recorder writes a History while clients run; Judge reads it afterwards. All times are
// of one clock, so only clients of one process can be judged together.
//
// # What is certain
//
// A client does not see when the service does what it asked for: only that it was not before
// the request, and not after the answer. So there are windows in which a message may or may
// not have been for somebody, and Judge says nothing about those but counts them:
//
//   - Somebody is a member for certain from the answer to a join to the request to leave, and
//     is none for certain before the request to join and after the answer to a leave.
//   - A message is sent for certain after its request, and has been for certain once it was
//     acknowledged, or somebody got it. One whose acknowledgement did not come may have been
//     sent or not.
//   - What a client has not got, it may get yet, until it has got something that was sent later, or
//     the run has come to its quiet end.
//
// # What is told
//
// A session begins with a connection that the service calls new, and goes on with those that
// it calls recovered. A new session is how a client is told that it may have missed what came
// behind the last event of the one before; a hole in front of that event is a silent loss all the same.
package checker
