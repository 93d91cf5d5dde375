// Package notepack turns JSON text into MessagePack and back, in the forms that
// notepack.io 3 writes and reads, as the official Redis adapter uses it
// (protocol.md 4.1.4). Both ways are one pass over the bytes; no values are built.
//
// What JSON can't say is handled as a Node.js server and its client would between
// them:
//
//   - bytes become the placeholder object of the Socket.IO protocol and an attachment;
//   - a time becomes the text of JavaScript's toISOString, an invalid one null;
//   - NaN and the infinities become null, and so does undefined, except that a map's
//     entry with the value undefined is left out;
//   - an extension type that notepack does not know becomes [type, bytes];
//   - a map's key that is not a string becomes the text that JavaScript makes of it;
//   - text that is not valid UTF-8 gets U+FFFD in place of each bad byte, and so does
//     half a surrogate pair on the way in: Node does the same, and honest Node peers do
//     send such text.
//
// Integers keep all their 64 bits between nodes that use this package. The functions
// know no network and keep no state; a Reader is for one goroutine.
package notepack
