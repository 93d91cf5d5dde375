package redis

import (
	"encoding/json"
	"slices"
	"testing"

	"github.com/causeway-rt/causeway/internal/redistest"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// heard waits until a server has got an event of another, and takes it.
func (w *mixed) heard(p *peer, want string) {
	w.Helper()
	eventually(w.T, p.name+" hears "+want, func() bool { return p.takeHeard(want) })
	w.checked++
}

func (p *peer) takeHeard(want string) bool {
	if p.node != nil {
		var got bool
		p.node.do(&got, `const at = heard.findIndex((e) => JSON.stringify(e) === %q); if (at >= 0) heard.splice(at, 1); return at >= 0`, want)
		return got
	}
	p.ours.mu.Lock()
	defer p.ours.mu.Unlock()
	at := slices.Index(p.ours.heard, want)
	if at >= 0 {
		p.ours.heard = slices.Delete(p.ours.heard, at, at+1)
	}
	return at >= 0
}

// Programs talk to each other, and every other one answers.
func TestMixedClusterServerSideEmits(t *testing.T) {
	onEachLayout(t, bothLayouts, (*mixed).serverSideEmits)
}

func (w *mixed) serverSideEmits() {
	for _, p := range w.peers {
		p.change(w, `.serverSideEmit("hello", "plain", {n: 1})`, func(ns *socketio.Namespace) error {
			return ns.ServerSideEmit("hello", "plain", map[string]int{"n": 1})
		})
		w.othersHear(p, `["plain",{"n":1}]`)
		var names []string
		if p.node != nil {
			p.node.do(&names, `return (await io.serverSideEmitWithAck("hello", "ask", "ü")).map((a) => a.name + JSON.stringify(a.args))`)
		} else {
			replies, err := p.ours.io.Of("/").ServerSideEmitWithAck(w.Context(), "hello", "ask", "ü")
			if err != nil {
				w.Errorf("%s: %v", p.name, err)
			}
			for _, r := range replies {
				var a struct {
					Name string
					Args json.RawMessage
				}
				if err := r.Arg(0).Bind(&a); err != nil {
					w.Error(err)
				}
				names = append(names, a.Name+string(a.Args))
			}
		}
		var want []string
		for _, other := range w.peers {
			if other != p {
				want = append(want, other.name+`["ask","ü"]`)
			}
		}
		slices.Sort(names)
		slices.Sort(want)
		if w.checked++; !slices.Equal(names, want) {
			w.Errorf("%s was answered %q, want %q", p.name, names, want)
		}
		w.othersHear(p, `["ask","ü"]`)
		if p.ours != nil { // bytes, which the official adapter can read, but not write
			if err := p.ours.io.Of("/").ServerSideEmit("hello", []byte{1, 2}); err != nil {
				w.Error(err)
			}
			for _, other := range w.peers {
				if other.node != nil {
					w.heard(other, `[{"bytes":"0102"}]`)
				}
			}
		}
	}
}

// othersHear waits until all but p have got an event, and checks that p has not.
func (w *mixed) othersHear(p *peer, want string) {
	w.Helper()
	for _, other := range w.peers {
		if other != p {
			w.heard(other, want)
		}
	}
	if w.checked++; p.takeHeard(want) {
		w.Errorf("%s heard itself: %s", p.name, want)
	}
}

// An event that no program listens for does not keep its sender waiting, if the others
// are ours.
func TestUnknownServerSideEventIsAnswered(t *testing.T) {
	w := startMixed(t, layouts[0], redistest.Start(t))
	var answers []any
	w.peers[0].node.do(&answers, `return io.serverSideEmitWithAck("nobody listens")`)
	if len(answers) != 2 {
		t.Errorf("answers: %v", answers)
	}
}
