// Package live shows a load test while it runs: on a terminal a view that is drawn
// over itself, elsewhere one line for each interval.
//
// The view leaves the terminal as it is: it reads nothing, sets no mode and does not
// hide the cursor, which stands below the frame. So Ctrl-C remains the system's, a panic
// or a kill leaves nothing to restore, and the last frame stays where it was. What it
// writes is text, colours, and the moves between two frames.
//
// Whoever tells it something does not wait for the terminal: a goroutine of its own
// writes, so a terminal that was stopped with Ctrl-S, or a pipe that nobody reads,
// delays no measurement.
package live
