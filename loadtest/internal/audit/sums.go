// Package audit compares what clients received with what they should have.
package audit

// Sums is the outcome of an audit. Every count is of deliveries: one message to one
// subscriber. What was due is divided without rest:
//
//	Due = Delivered + Lost + Gap + Absent + Unjudged
//
// Delivered counts a message once, however often it came. Sums of several workers,
// groups or intervals are added field by field.
type Sums struct {
	// Published is the messages sent.
	Published int64 `json:"published"`
	// Due is the deliveries owed to everybody who was, or should have been, in the room.
	Due int64 `json:"due"`
	// Delivered arrived, unharmed or not.
	Delivered int64 `json:"delivered"`
	// Lost did not arrive at a client that was connected and in the room all the while.
	Lost int64 `json:"lost"`
	// Gap had not arrived when the client was back in its room (or the test ended),
	// because its connection had ended.
	Gap int64 `json:"gap"`
	// Absent were due to clients that should have been there and never were connected.
	Absent int64 `json:"absent"`
	// Unjudged were on their way while their client joined or left the room or
	// disconnected: neither arrival nor absence would be wrong.
	Unjudged int64 `json:"unjudged"`

	// Duplicated arrived although they had arrived before.
	Duplicated int64 `json:"duplicated"`
	// Reordered arrived after a later message of the same publisher to the same room.
	Reordered int64 `json:"reordered"`
	// Corrupted arrived with another content than was sent.
	Corrupted int64 `json:"corrupted"`
	// AfterLeaving were sent after the server had confirmed that the client left, and came.
	AfterLeaving int64 `json:"after_leaving"`
	// Unknown arrived and are none of ours.
	Unknown int64 `json:"unknown"`
}

// Add adds another outcome to s.
func (s *Sums) Add(o Sums) {
	s.Published += o.Published
	s.Due += o.Due
	s.Delivered += o.Delivered
	s.Lost += o.Lost
	s.Gap += o.Gap
	s.Absent += o.Absent
	s.Unjudged += o.Unjudged
	s.Duplicated += o.Duplicated
	s.Reordered += o.Reordered
	s.Corrupted += o.Corrupted
	s.AfterLeaving += o.AfterLeaving
	s.Unknown += o.Unknown
}
