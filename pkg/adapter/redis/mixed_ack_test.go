package redis

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/pkg/socketio"
)

// Acks come from clients of every server, to every server.
func TestMixedClusterGathersAcks(t *testing.T) { onEachLayout(t, bothLayouts, (*mixed).gathersAcks) }

func (w *mixed) gathersAcks() {
	for _, p := range w.peers {
		w.acks(p, "", everybody)
		w.acks(p, "red", "0a 1a 2a")
		w.acks(p, w.ids["2b"], "2b")
		w.acks(p, w.ids["0a"], "0a")
		w.acks(p, "nobody", "")
	}
	// Those that say nothing are no value, and no delay.
	for _, p := range w.peers {
		start, n := time.Now(), 0
		if p.node != nil {
			p.node.do(&n, `return (await io.timeout(20000).emitWithAck("ask for nothing")).length`)
		} else {
			replies, err := p.ours.io.Of("/").EmitWithAck(w.Context(), "ask for nothing")
			if n = len(replies); err != nil {
				w.Errorf("%s: %v", p.name, err)
			}
		}
		if w.checked++; n != 6 || time.Since(start) > 3*time.Second {
			w.Errorf("%s: %d empty acks after %v", p.name, n, time.Since(start))
		}
	}
	// The events of a server keep their order, those with acks among them.
	for _, p := range w.peers {
		if p.node != nil {
			p.node.do(nil, `for (let i = 0; i < 50; i++) i %% 2 ? io.emit("n", i) : io.timeout(5000).emit("n", i, () => {})`)
		} else {
			for i := range 50 {
				if i%2 == 1 {
					_ = p.ours.io.Of("/").Emit("n", i)
					continue
				}
				ended, cancel := context.WithTimeout(w.Context(), 0) // nobody answers
				_, _ = p.ours.io.Of("/").EmitWithAck(ended, "n", i)
				cancel()
			}
		}
		for name, got := range w.mark(p.marker(w.T)) {
			// The official sharded adapter delivers to its own clients when Redis has answered, but
			// at once if acks are asked for.
			early := w.mode != "" && p.node != nil && name[0] == p.name[1]
			if strings.HasPrefix(name, "chat") || early {
				continue
			}
			text, _ := json.Marshal(got)
			var want []any
			for i := range 50 {
				want = append(want, []any{"n", i})
			}
			wanted, _ := json.Marshal(want)
			if w.checked++; !sameJSON(onlyN(text), string(wanted)) {
				w.Errorf("%s: client %s got %s", p.name, name, text)
			}
		}
	}
}

// onlyN drops the events of other turns.
func onlyN(text []byte) string {
	var all [][]any
	_ = json.Unmarshal(text, &all)
	kept := slices.DeleteFunc(all, func(e []any) bool { return e[0] != "n" })
	out, _ := json.Marshal(kept)
	return string(out)
}

// acks asks the clients in a room and compares who has answered, and what.
func (w *mixed) acks(p *peer, room, want string) {
	w.Helper()
	type answer struct {
		Name string
		Args []any
	}
	var answers []answer
	if p.node != nil {
		p.node.do(&answers, `return io.timeout(5000)%s.emitWithAck("ask", Buffer.from([1, 2]), "ü")`, in(room))
	} else {
		e := p.ours.io.Of("/").Timeout(5 * time.Second)
		if room != "" {
			e = e.To(room)
		}
		replies, err := e.EmitWithAck(w.Context(), "ask", []byte{1, 2}, "ü")
		if err != nil {
			w.Errorf("%s: %v", p.name, err)
		}
		for _, r := range replies {
			var a struct {
				Name string
				Args []socketio.Raw
			}
			if err := r.Arg(0).Bind(&a); err != nil || len(a.Args) != 2 {
				w.Errorf("%s: reply %s: %v", p.name, r.From(0).JSON(), err)
				continue
			}
			var bytes []byte
			_ = a.Args[0].Bind(&bytes)
			text, _ := a.Args[1].String()
			answers = append(answers, answer{a.Name, []any{map[string]any{"bytes": fmt.Sprintf("%x", bytes)}, text}})
		}
	}
	var names []string
	for _, a := range answers {
		names = append(names, a.Name)
		args, _ := json.Marshal(a.Args)
		if w.checked++; !sameJSON(string(args), `[{"bytes":"0102"},"ü"]`) {
			w.Errorf("%s: client %s answered %s", p.name, a.Name, args)
		}
	}
	slices.Sort(names)
	if got := strings.Join(names, " "); got != want {
		w.Errorf("%s: acks of %q from %q, want %q", p.name, room, got, want)
	}
}
