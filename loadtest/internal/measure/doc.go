// Package measure takes down what clients see: times, counts and errors. Clients call
// Latency, Add and Error from their own goroutines, at any time; the one who runs the
// test calls Cut at the end of each interval, and Totals and Phases when it is over.
//
// Each recording is in exactly one interval, the totals and its interval's phase: the
// buckets and counters that clients write to are those of the interval, which Cut
// takes out and adds to the sums. They are kept several times over, so that clients
// on different cores seldom write to the same place.
package measure
