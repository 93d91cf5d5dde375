// Command cost measures what clients of package wire cost their process: memory while they are idle, CPU per event while a room is sent to.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/causeway-rt/causeway/internal/wire"
)

var (
	url    = flag.String("url", "http://127.0.0.1:3000", "the server")
	n      = flag.Int("n", 1000, "clients")
	msgs   = flag.Int("msgs", 0, "messages published to all of them, a window of 16 at a time; 0: they stay idle")
	size   = flag.Int("size", 128, "bytes of a message's payload")
	settle = flag.Duration("settle", 3*time.Second, "wait before memory is read")
	nojoin = flag.Bool("nojoin", false, "do not join")
	heap   = flag.String("heap", "", "file for a heap profile")
	trans  = flag.String("transport", "websocket", "transport")
)

type handler struct {
	got   *atomic.Int64
	round chan struct{}
	n     int64
}

func (h *handler) Connected(*wire.Client, wire.Opened) {}
func (h *handler) Disconnected(_ *wire.Client, err error) {
	if wire.Class(err) != "client closed" {
		fmt.Fprintln(os.Stderr, "lost:", err)
	}
}
func (h *handler) Failed(*wire.Client, error) {}
func (h *handler) Event(_ *wire.Client, e *wire.Event) {
	if string(e.Name) != "msg" {
		return
	}
	if h.got.Add(1)%h.n == 0 {
		h.round <- struct{}{}
	}
}

func main() {
	flag.Parse()
	before := resident()
	var got atomic.Int64
	h := &handler{got: &got, round: make(chan struct{}, 1000), n: int64(*n) - 1}
	clients := make([]*wire.Client, *n)
	var wg sync.WaitGroup
	slots := make(chan struct{}, 64)
	t0, c0 := time.Now(), cpu()
	for i := range clients {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			c, err := wire.Dial(context.Background(), wire.Config{URL: *url, Handler: h, Transport: wire.Transport(*trans), LocalAddr: netip.AddrFrom4([4]byte{127, 9, 9, byte(1 + i/5000)})})
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			if *nojoin {
				clients[i] = c
				return
			}
			joined := make(chan error, 1)
			if err := c.EmitAck([]byte(`["join","r0"]`), func(_ []byte, err error) { joined <- err }); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			if err := <-joined; err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			clients[i] = c
		})
	}
	wg.Wait()
	out := map[string]any{"n": *n, "connect_us": float64((cpu() - c0).Microseconds()) / float64(*n), "connect_per_s": float64(*n) / time.Since(t0).Seconds()}
	time.Sleep(*settle)
	out["kib_per_client"] = float64(resident()-before) / 1024 / float64(*n)
	runtime.GC()
	time.Sleep(time.Second)
	out["kib_per_client_after_gc"] = float64(resident()-before) / 1024 / float64(*n)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	out["heap_kib"] = float64(m.HeapInuse) / 1024 / float64(*n)
	out["stack_kib"] = float64(m.StackInuse) / 1024 / float64(*n)
	if *msgs > 0 {
		publish(clients[0], h, out)
	}
	if *heap != "" {
		f, _ := os.Create(*heap)
		pprof.Lookup("heap").WriteTo(f, 0)
		f.Close()
	}
	out["live_kib"] = float64(m.HeapAlloc) / 1024 / float64(*n)
	json.NewEncoder(os.Stdout).Encode(out)
}

func publish(c *wire.Client, h *handler, out map[string]any) {
	pad := strings.Repeat("x", *size-30)
	for range 16 {
		h.round <- struct{}{}
	}
	c0, t0 := cpu(), time.Now()
	for i := range *msgs {
		<-h.round
		if err := c.Emit(fmt.Appendf(nil, `["publish","r0","msg","%d.%d.%s"]`, i, time.Now().UnixNano(), pad)); err != nil {
			panic(err)
		}
	}
	for h.got.Load() < int64(*msgs)*h.n {
		time.Sleep(time.Millisecond)
	}
	total := float64(*msgs) * float64(h.n)
	out["us_per_event"] = float64((cpu() - c0).Microseconds()) / total
	out["events_per_s"] = total / time.Since(t0).Seconds()
}

func resident() int64 {
	b, _ := os.ReadFile("/proc/self/statm")
	pages, _ := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	return pages * int64(os.Getpagesize())
}

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
