// Package search finds the highest load that a server bears: which loads are tried, what
// each run says, and what all of them come to.
//
// Strategy chooses the loads and knows nothing else: it doubles the lowest until one is
// not met, then halves the distance between the highest that was met and the lowest
// that was not, until they are as close as the precision wants. A load that is not met is
// run once more, and counts as met if it then is: what disturbs a machine makes a run
// worse and never better, so of two tries the better one is nearer to the truth. A load
// that was met is not run again.
//
// Judge says of one run whether the load was met and, if not, whether the server is what
// failed. A run that this program, or the machine it runs on, held up says nothing about
// the server.
//
// A Record is the whole search: the file of --json, and what the report and the
// sentence at the end are made of.
package search
