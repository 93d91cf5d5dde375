package adaptertest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// until waits for an event that comes last, and returns all that has come, which must be so many;
// 0 means any number.
func (v *visitor) until(last string, count int) []string {
	v.t.Helper()
	deadline := time.After(patience)
	for {
		v.mu.Lock()
		got, more := slices.Clone(v.got), v.more
		v.mu.Unlock()
		if len(got) >= max(1, count) && got[len(got)-1] == last {
			if count > 0 && len(got) != count {
				v.t.Errorf("client got %d events, want %d", len(got), count)
			}
			v.mu.Lock()
			v.got = v.got[len(got):]
			v.mu.Unlock()
			return got
		}
		select {
		case <-more:
		case <-deadline:
			v.t.Fatalf("client got %d events, want %d", len(got), count)
		}
	}
}

// comeBackUnderLoad has clients lose their connections again and again while all nodes emit.
// Each must get the same events in the same order.
func comeBackUnderLoad(w *recoveryWorld) {
	const each = 300
	watcher := w.visitor(w.servers[0])
	watcher.join("red")
	var restless []*visitor
	for i := range 6 {
		v := w.visitor(w.servers[i%3])
		v.join("red", fmt.Sprint("other", i))
		restless = append(restless, v)
	}
	var done atomic.Bool
	var publishing, moving sync.WaitGroup
	for i, s := range w.servers {
		publishing.Go(func() {
			for k := range each {
				_ = s.To([]string{"red", "blue"}[:k%3]...).Emit(fmt.Sprint(i, "-", k))
				time.Sleep(time.Millisecond) // an emitter with a rate, not a wait
			}
		})
	}
	for i, v := range restless {
		moving.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			for !done.Load() {
				if random.IntN(2) == 0 {
					v.cut()
				} else {
					v.setDeaf() // the old connection seems to live
				}
				old := v.link
				v.back(w.servers[random.IntN(3)])
				old.end()
			}
		})
	}
	publishing.Wait()
	done.Store(true)
	moving.Wait()
	w.emit(w.servers[0].to(), "end")
	want := watcher.until(string(event("end")), 3*each+1)
	for i, v := range restless {
		if got := v.until(string(event("end")), 3*each+1); !slices.Equal(got, want) {
			w.Errorf("client %d got other events, or in another order", i)
		}
	}
}

// asModelled does at random what clients and programs do, one thing after the other, and compares
// what each client gets with what a model of a few lines says.
func asModelled(w *recoveryWorld, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 7))
	rooms := []string{"red", "blue", "green", "yellow"}
	type member struct {
		*visitor
		rooms map[string]bool
		away  bool
		want  []string
	}
	var members []*member
	anyServer := func() *server { return w.servers[random.IntN(len(w.servers))] }
	some := func(names []string) (list []string) {
		for _, name := range names {
			if random.IntN(3) == 0 {
				list = append(list, name)
			}
		}
		return list
	}
	w.settle()
	for range 6 {
		members = append(members, &member{visitor: w.visitor(anyServer()), rooms: make(map[string]bool)})
	}
	emit := func(name string) {
		targets, except := some(rooms), some(rooms[2:])
		if random.IntN(4) == 0 {
			targets = append(targets, members[random.IntN(len(members))].sid)
		}
		if random.IntN(4) == 0 {
			except = append(except, members[random.IntN(len(members))].sid)
		}
		w.emit(anyServer().to(targets...).Except(except...), name)
		for _, m := range members {
			in := func(list []string) bool {
				return slices.ContainsFunc(list, func(r string) bool { return m.rooms[r] || r == m.sid })
			}
			if (len(targets) == 0 || in(targets)) && !in(except) {
				m.want = append(m.want, name)
			}
		}
	}
	for step := range 250 {
		m := members[random.IntN(len(members))]
		room := rooms[random.IntN(len(rooms))]
		switch what := random.IntN(10); {
		case what < 5:
			emit(fmt.Sprint(seed, "-", step))
		case what == 5 && !m.away:
			m.join(room)
			m.rooms[room] = true
		case what == 6 && !m.away:
			w.settle()
			m.leave(room)
			delete(m.rooms, room)
		case what == 7 && !m.away:
			m.cut()
			m.away = true
		case what == 8 && !m.away:
			m.setDeaf() // from now on all is lost, but for the node the socket lives
		case what == 9:
			old := m.link
			m.back(anyServer())
			old.end()
			m.away = false
		}
	}
	for _, m := range members {
		old := m.link
		m.back(anyServer())
		old.end()
		m.hears(m.want...)
	}
}
