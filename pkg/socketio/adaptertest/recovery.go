package adaptertest

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// RunRecovery runs Servers with a HistoryAdapter, and clients that come back: see Run.
func RunRecovery(t *testing.T, newCluster func(t *testing.T, nodes int) []socketio.Adapter) {
	for _, test := range []struct {
		name string
		run  func(w *recoveryWorld)
	}{
		{"ClientGetsWhatItMissedOnAnyNode", missedOnAnyNode},
		{"EveryClientSeesOneOrder", clientsSeeOneOrder},
		{"StaysCountWhereTheyWere", staysCount},
		{"LeaveIsNotUndone", leaveStays},
		{"OneOfTwoConnectionsWins", oneConnectionWins},
		{"SessionBelongsToItsUser", sessionOfUser},
		{"TooMuchIsNotReplayedInPart", tooMuch},
		{"OldConnectionIsSilent", oldIsSilent},
		{"KilledNodesClientsRecover", killedNode},
		{"ClientsComeBackWhileOthersEmit", comeBackUnderLoad},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(newRecoveryWorld(t, newCluster(t, 3))) })
	}
	for seed := range uint64(5) {
		t.Run(fmt.Sprint("AsTheModelSays/seed", seed), func(t *testing.T) { asModelled(newRecoveryWorld(t, newCluster(t, 3)), seed) })
	}
}

func missedOnAnyNode(w *recoveryWorld) {
	v := w.visitor(w.servers[0])
	v.join("red", "blue")
	w.emit(w.servers[1].to("red"), "0")
	v.hears("0")
	for round, at := range []*server{w.servers[0], w.servers[1], w.servers[2], w.servers[0]} {
		v.cut()
		name := func(s string) string { return fmt.Sprint(round, s) }
		w.emit(w.servers[0].to("red"), name("red"))
		w.emit(w.servers[1].to("green"), "not for it")
		w.emit(w.servers[2].to("green", "blue", "red"), name("several"))
		w.emit(w.servers[0].to("red").Except("blue"), "not for it")
		w.emit(w.servers[1].to(v.sid), name("own"))
		w.emit(w.servers[2].to(), name("all"))
		w.emit(w.servers[0].Except(v.sid), "not for it")
		w.emit(w.servers[1].Except("green"), "binary", socketio.Binary{0, 255})
		v.back(at)
		w.emit(w.servers[2].to("blue"), name("live"))
		w.emit(w.servers[1].to(v.sid), name("own, live"))
		w.emit(w.servers[0].Except(v.sid), "not for it")
		w.emit(w.servers[2].to("red"), name("end"))
		want := []string{name("red"), name("several"), name("own"), name("all"), "", "<00ff>", name("live"), name("own, live"), name("end")}
		v.hearsWith(want, 4, `["binary",{"_placeholder":true,"num":0}]`)
	}
}

// hearsWith is hears with the JSON of the event at an index.
func (v *visitor) hearsWith(names []string, at int, text string) {
	v.t.Helper()
	v.mu.Lock()
	for i, got := range v.got {
		if got == text && i == at {
			v.got[i] = string(event(names[at]))
		}
	}
	v.mu.Unlock()
	v.hears(names...)
}

func clientsSeeOneOrder(w *recoveryWorld) {
	var visitors []*visitor
	for _, s := range w.servers {
		v := w.visitor(s)
		v.join("red")
		visitors = append(visitors, v)
	}
	const each = 100
	var publishing sync.WaitGroup
	for i, s := range w.servers {
		publishing.Go(func() {
			for k := range each {
				_ = s.To([]string{"red", "blue"}[:k%2]...).Emit(fmt.Sprint(i, "-", k))
			}
		})
	}
	publishing.Wait()
	for _, s := range w.servers { // what one has recorded may be on its way yet
		w.emit(s.to(), "sent")
	}
	w.emit(w.servers[0].to(), "end")
	var first []string
	for _, v := range visitors {
		got := v.until(string(event("end")), (each+1)*len(w.servers)+1)
		if first == nil {
			first = got
		}
		if !slices.Equal(got, first) {
			w.Error("two clients have seen different orders")
		}
	}
}

func staysCount(w *recoveryWorld) {
	v := w.visitor(w.servers[0])
	w.emit(w.servers[1].to("red"), "before the join")
	v.join("red")
	v.setDeaf() // the connection is dead, and nobody knows
	w.emit(w.servers[1].to("red"), "1")
	w.emit(w.servers[1].Except("red"), "not for it")
	w.settle()
	v.leave("red")
	w.emit(w.servers[1].to("red"), "after the leave")
	w.emit(w.servers[1].Except("red"), "2")
	v.join("red")
	w.emit(w.servers[2].to("red"), "3")
	v.link.end()
	w.emit(w.servers[2].to("red"), "4")
	v.back(w.servers[2])
	v.hears("1", "2", "3", "4")
}

func leaveStays(w *recoveryWorld) {
	v := w.visitor(w.servers[0])
	v.join("red", "blue")
	v.leave("red")
	v.cut()
	w.emit(w.servers[1].to("red"), "not for it")
	v.back(w.servers[1])
	w.emit(w.servers[1].to("red"), "not for it")
	w.emit(w.servers[1].to("blue"), "1")
	v.hears("1")
}

func oneConnectionWins(w *recoveryWorld) {
	for round := range 5 {
		v := w.visitor(w.servers[0])
		v.cut()
		w.emit(w.servers[0].to(v.sid), fmt.Sprint(round))
		results := make(chan bool, 2)
		rivals := []*visitor{w.rival(v), w.rival(v)}
		for i, rival := range rivals {
			go func() { results <- rival.connect(w.servers[i+1]) }()
		}
		if a, b := <-results, <-results; !a && !b {
			w.Error("nobody has recovered")
		} else if a && b { // one after the other is a takeover
			select {
			case <-rivals[0].link.ended:
			case <-rivals[1].link.ended:
			case <-time.After(patience):
				w.Error("two connections share a session")
			}
		}
	}
}

// rival is another client that knows all that v does.
func (w *recoveryWorld) rival(v *visitor) *visitor {
	r := &visitor{t: w.T, user: v.user, sid: v.sid, pid: v.pid, offset: v.offset, more: make(chan struct{})}
	w.visitors = append(w.visitors, r)
	return r
}

func sessionOfUser(w *recoveryWorld) {
	v := w.visitor(w.servers[0])
	v.user = "ada"
	v.link.end()
	v.connect(w.servers[0]) // nobody's session is not hers
	v.cut()
	w.emit(w.servers[0].to(), "1")
	thief := w.rival(v)
	thief.user = "eve"
	if thief.connect(w.servers[1]) {
		w.Error("another user goes on with the session")
	}
	thief.hears()
	v.back(w.servers[1])
	v.hears("1")
}

func tooMuch(w *recoveryWorld) {
	v, other := w.visitor(w.servers[0]), w.visitor(w.servers[1])
	v.cut()
	var want []string
	for i := range small {
		want = append(want, fmt.Sprint(i))
		_ = w.servers[1].Emit(want[i])
	}
	other.hears(want...)
	v.back(w.servers[2])
	v.hears(want...)
	v.cut()
	for range small + 1 {
		_ = w.servers[1].Emit("x")
	}
	other.until(string(event("x")), small+1)
	if v.connect(w.servers[2]) {
		w.Error("a client that has missed too much has recovered")
	}
	v.hears()
	if st := w.servers[2].Stats(); st.RecoveryRefused["too_many"] != 1 {
		w.Errorf("refused: %v", st.RecoveryRefused)
	}
}

func oldIsSilent(w *recoveryWorld) {
	for _, at := range w.servers[:2] {
		v := w.visitor(w.servers[0])
		v.join("red")
		old := v.link
		v.setDeaf()
		w.emit(w.servers[1].to("red"), "1")
		v.back(at)
		<-old.ended // closed by the server
		w.emit(w.servers[2].to("red"), "2")
		w.emit(w.servers[2].to(v.sid), "3")
		v.hears("1", "2", "3")
		v.cut()
		v.back(w.servers[2])
		v.cut()
	}
}

func killedNode(w *recoveryWorld) {
	var all []*visitor
	for range 10 {
		v := w.visitor(w.servers[0])
		v.join("red")
		all = append(all, v)
	}
	w.emit(w.servers[1].to("red"), "1")
	for _, v := range all {
		v.hears("1")
	}
	w.servers[0].kill(all...)
	w.emit(w.servers[1].to("red"), "2")
	for i, v := range all {
		v.back(w.servers[1+i%2])
	}
	w.emit(w.servers[2].to("red"), "3")
	for _, v := range all {
		v.hears("2", "3")
	}
}
