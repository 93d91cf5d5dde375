package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/causeway-rt/causeway/internal/redistest"
	"github.com/causeway-rt/causeway/pkg/adapter/redis"
	"github.com/causeway-rt/causeway/pkg/socketio"
)

// cpu is the processor time of the process, in steps of 10 ms.
func (s *server) cpu() time.Duration {
	s.t.Helper()
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), "stat"))
	if err != nil {
		s.t.Fatal(err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

// member is an adapter whose node has members of some rooms, and counts what they get.
type member struct {
	*redis.Adapter
	tag string
	got chan struct{}
}

func (m *member) Tag() string                       { return m.tag }
func (m *member) HasSocket(string, string) bool     { return false }
func (m *member) Rooms(func(string, string))        {}
func (m *member) Deliver(*socketio.Broadcast) error { m.got <- struct{}{}; return nil }
func (m *member) emit(room string, n int) error {
	return m.Broadcast(context.Background(), &socketio.Broadcast{
		Namespace: "/", Rooms: []string{room}, Data: []byte(`["news",` + strconv.Itoa(n) + `,"The quick brown fox jumps over the lazy dog"]`),
	}, func() {})
}

// startMember runs an adapter until the test ends.
func startMember(t *testing.T, url, prefix, tag string, got chan struct{}) *member {
	t.Helper()
	a, err := redis.New(redis.Config{URL: url, Prefix: prefix})
	if err != nil {
		t.Fatal(err)
	}
	m := &member{a, tag, got}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, m) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// What is said in the rooms of fifty other nodes does not reach a node that has no
// member of them: it receives nothing, and works no more than when nothing is said.
func TestRoomsOfOtherNodesCostNothing(t *testing.T) {
	const others, roomsEach, messages = 50, 200, 50_000
	url, prefix := redistest.StartOwn(t).URL(), redistest.Prefix(t)
	s := start(t, plainProgram, "--dev", "--redis-url", url, "--redis-prefix", prefix)
	witness := joinedWS(t, s.public)
	witness.join("its own")

	got := make(chan struct{}, messages)
	var members []*member
	var joining sync.WaitGroup
	for i := range others {
		m := startMember(t, url, prefix, fmt.Sprintf("%04d", i), got)
		members = append(members, m)
		joining.Go(func() {
			for room := range roomsEach {
				if err := m.Join(context.Background(), "/", fmt.Sprintf("room%d-%d", i, room)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	joining.Wait()

	const idle = 3 * time.Second
	before := s.cpu()
	time.Sleep(idle)
	atRest := s.cpu() - before

	before, received := s.cpu(), s.metrics().sum("gateway_adapter_received_total")
	begin := time.Now()
	outstanding := 0
	for n := range messages {
		from, to := members[n%others], (n*7+1)%others
		if to == n%others {
			to = (to + 1) % others
		}
		if err := from.emit(fmt.Sprintf("room%d-%d", to, n%roomsEach), n); err != nil {
			t.Fatal(err)
		}
		for outstanding++; outstanding > 1000; outstanding-- {
			await(t, got)
		}
	}
	for ; outstanding > 0; outstanding-- {
		await(t, got)
	}
	took := time.Since(begin)
	worked := s.cpu() - before
	heard := s.metrics().sum("gateway_adapter_received_total") - received
	t.Logf("%d nodes with %d rooms each exchanged %d messages in %v (%.0f/s); the node without members received %v of them; it used %v of CPU meanwhile, and %v in %v at rest",
		others, roomsEach, messages, took.Round(time.Millisecond), messages/took.Seconds(), heard, worked, atRest, idle)
	if heard != 0 {
		t.Errorf("it received %v messages", heard)
	}
	// Two scrapes and some ticks of the clock are in it.
	if limit := 100*time.Millisecond + 2*time.Duration(float64(atRest)*took.Seconds()/idle.Seconds()); worked > limit {
		t.Errorf("it used %v of CPU, more than %v", worked, limit)
	}
	// The same counters move as soon as there is a member.
	witness.join("room7-7")
	if err := members[0].emit("room7-7", 0); err != nil {
		t.Fatal(err)
	}
	witness.expectPrefix(`42["news",0,`)
	if n := s.metrics().sum("gateway_adapter_received_total") - received; n != 1 {
		t.Errorf("received %v messages for its own member", n)
	}
}

func await(t *testing.T, got <-chan struct{}) {
	t.Helper()
	select {
	case <-got:
	case <-time.After(patience):
		t.Fatal("a message has not arrived")
	}
}

// Ten thousand joins of rooms that nobody was in, each confirmed by Redis before it is
// answered, and the way back: subscriptions are as many as before when the rooms are empty.
func TestNewRoomsAreJoinedFastAndLeftBehindClean(t *testing.T) {
	const clients, each = 100, 100
	own := redistest.StartOwn(t)
	s := start(t, plainProgram, "--dev", "--redis-url", own.URL(), "--redis-prefix", redistest.Prefix(t))
	c := goredis.NewClient(&goredis.Options{Addr: own.Address()})
	t.Cleanup(func() { _ = c.Close() })
	subscriptions := func() (redisHas int, nodeWants float64) {
		channels, err := c.PubSubChannels(context.Background(), "*").Result()
		if err != nil {
			t.Fatal(err)
		}
		return len(channels), s.metrics().sum("gateway_adapter_subscriptions")
	}
	all := make([]*wsClient, clients)
	for i := range all {
		all[i] = joinedWS(t, s.public)
	}
	channels, wanted := subscriptions()

	begin, cpu := time.Now(), s.cpu()
	for i, client := range all {
		var packets []string
		for n := range each {
			packets = append(packets, fmt.Sprintf(`42%d["join","new-%d-%d"]`, n, i, n))
		}
		client.send(packets...)
	}
	for _, client := range all {
		for n := range each {
			client.expect(fmt.Sprintf(`43%d[{"ok":true}]`, n))
		}
	}
	took := time.Since(begin)
	cpu = s.cpu() - cpu
	t.Logf("%d joins of new rooms in %v: %.0f/s, %v of the node's CPU each", clients*each, took.Round(time.Millisecond), clients*each/took.Seconds(), cpu/(clients*each))
	if has, wants := subscriptions(); has != channels+clients*each || wants != wanted+clients*each {
		t.Errorf("Redis has %d channels, and the node wants %v; it was %d and %v before", has, wants, channels, wanted)
	}
	// A goal is measured on a quiet machine; this holds on any.
	if took > clients*each/1000*time.Second {
		t.Errorf("less than 1,000 joins per second")
	}

	begin = time.Now()
	for _, client := range all {
		client.reset()
	}
	eventually(t, patience, "the subscriptions to return to their baseline", func() error {
		if has, wants := subscriptions(); has > channels || wants > wanted {
			return fmt.Errorf("Redis has %d channels, and the node wants %v; it was %d and %v before", has, wants, channels, wanted)
		}
		return nil
	})
	t.Logf("all left within %v", time.Since(begin).Round(time.Millisecond))
}
