package adaptertest

import (
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// long is a Window that does not end while a test runs, and short one that does.
const (
	long  = 10 * time.Minute
	short = 400 * time.Millisecond
)

// RunHistory runs the tests of a HistoryAdapter: see Run. An adapter with a method
// Deafen() (hear func()), which keeps it from hearing what is recorded, is tested for what it does
// when it hears again.
func RunHistory(t *testing.T, newCluster func(t *testing.T, nodes int) []socketio.Adapter) {
	for _, test := range []struct {
		name   string
		window time.Duration
		run    func(w *historyWorld)
	}{
		{"RecordedEventsArriveEverywhereInOneOrder", long, oneOrder},
		{"ReadReturnsWhatWasRecorded", long, readAll},
		{"ReadEndsWhereItIsStopped", long, readStopped},
		{"WhatIsNoEventIsNotReadFrom", long, readFromNowhere},
		{"WhatIsTooOldIsForgotten", short, forgotten},
		{"ReadMissesNothingWhileOthersRecord", long, readWhileRecording},
		{"PositionOfQuietNodeMovesOn", long, quietNode},
		{"NodeThatHearsAgainCatchesUp", long, hearsAgain},
		{"SessionIsLookedAtAsItWasSaved", long, savedAndLooked},
		{"SaveTellsWhereAStayBegins", long, saveTellsHead},
		{"OneOfManyTakersWins", long, takers},
		{"FormerOwnerCantTouchASession", long, formerOwner},
		{"ReleasedSessionLivesForTheWindow", short, released},
		{"KeptSessionLives", short, keptAlive},
		{"LostSessionIsStale", long, stale},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(newHistoryWorld(t, newCluster(t, 3), test.window)) })
	}
}
