// Package show writes figures for people, the same way in the report, the summary
// and the live view: numbers, times, sizes, commands, and text that a server sent.
// Its functions are pure.
package show
