// Package compare puts two results side by side: what was different in the tests, then
// throughput, times, what went wrong, and what the servers used. It says first why two
// results should not be compared, if so; it compares them nevertheless.
package compare
