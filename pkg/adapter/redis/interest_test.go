package redis

import (
	"reflect"
	"strconv"
	"testing"
	"time"
)

const linger = 2 * time.Second

// closed says whether there is nothing (more) to wait for.
func closed(ready <-chan struct{}) bool {
	if ready == nil {
		return true
	}
	select {
	case <-ready:
		return true
	default:
		return false
	}
}

func TestJoinIsConfirmedOnceAndTogether(t *testing.T) {
	x := newInterests(linger)
	first := x.add("c", kindBroadcast, "/")
	second := x.add("c", kindBroadcast, "/")
	if o := x.subscribe(10); !reflect.DeepEqual(o, order{channels: []string{"c"}}) {
		t.Errorf("to subscribe: %+v", o)
	}
	if o := x.subscribe(10); !o.empty() {
		t.Errorf("twice: %+v", o)
	}
	if closed(first) || closed(second) {
		t.Error("ready before the confirmation")
	}
	x.confirm("c")
	x.confirm("unknown")
	if !closed(first) || !closed(second) || x.add("c", kindBroadcast, "/") != nil {
		t.Error("not ready after the confirmation")
	}
	if all, pending := x.sizes(); all != 1 || pending != 0 {
		t.Errorf("%d, %d pending", all, pending)
	}
}

func TestSubscriptionsGoOutInBatches(t *testing.T) {
	x := newInterests(linger)
	for i := range 25 {
		x.add(strconv.Itoa(i), kindBroadcast, "/")
	}
	x.add("p*", kindPrivate, "/")
	var sizes []int
	for o := x.subscribe(10); !o.empty(); o = x.subscribe(10) {
		sizes = append(sizes, len(o.channels)+len(o.patterns))
	}
	if !reflect.DeepEqual(sizes, []int{10, 10, 6}) {
		t.Errorf("%v", sizes)
	}
}

func TestLeftChannelLingers(t *testing.T) {
	now := time.Now()
	x := newInterests(linger)
	for _, name := range []string{"left", "again", "again and left", "never sent"} {
		x.add(name, kindBroadcast, "/")
		if name != "never sent" {
			x.subscribe(1)
			x.confirm(name)
		}
		x.remove(name, "/", now)
	}
	x.add("again", kindBroadcast, "/")
	x.add("again and left", kindBroadcast, "/")
	x.remove("again and left", "/", now.Add(time.Second))
	if o := x.unsubscribe(now.Add(linger - 1)); !o.empty() {
		t.Errorf("too early: %+v", o)
	}
	if o := x.unsubscribe(now.Add(linger)); !reflect.DeepEqual(o.channels, []string{"left"}) {
		t.Errorf("after the time: %+v", o)
	}
	if o := x.unsubscribe(now.Add(2 * linger)); !reflect.DeepEqual(o.channels, []string{"again and left"}) {
		t.Errorf("later: %+v", o)
	}
	if o := x.unsubscribe(now.Add(100 * linger)); !o.empty() {
		t.Errorf("still wanted: %+v", o)
	}
	if o := x.subscribe(10); !o.empty() {
		t.Errorf("left before it was subscribed: %+v", o)
	}
	if all, pending := x.sizes(); all != 1 || pending != 0 {
		t.Errorf("%d, %d pending", all, pending)
	}
}

// TestLateConfirmationIsNotTakenForAnother: a channel is unsubscribed only when its
// subscription is confirmed, so that a confirmation always belongs to the last one.
func TestLateConfirmationIsNotTakenForAnother(t *testing.T) {
	now := time.Now()
	x := newInterests(linger)
	x.add("c", kindBroadcast, "/")
	x.subscribe(1)
	x.remove("c", "/", now)
	if o := x.unsubscribe(now.Add(linger)); !o.empty() {
		t.Errorf("unsubscribed before it was confirmed: %+v", o)
	}
	x.confirm("c")
	if o := x.unsubscribe(now.Add(2 * linger)); len(o.channels) != 1 {
		t.Errorf("%+v", o)
	}
}

// TestBusyChannelDoesNotHoldUpOthers: one that is joined and left all the time does not
// keep those behind it subscribed.
func TestBusyChannelDoesNotHoldUpOthers(t *testing.T) {
	now := time.Now()
	x := newInterests(linger)
	for _, name := range []string{"busy", "quiet"} {
		x.add(name, kindBroadcast, "/")
		x.subscribe(1)
		x.confirm(name)
		x.remove(name, "/", now)
	}
	var left []string
	for step := range 20 {
		at := now.Add(time.Duration(step) * time.Second)
		x.add("busy", kindBroadcast, "/")
		x.remove("busy", "/", at)
		left = append(left, x.unsubscribe(at).channels...)
		if len(x.lingerers) > 2 {
			t.Fatalf("%d lingerers for two channels", len(x.lingerers))
		}
	}
	if !reflect.DeepEqual(left, []string{"quiet"}) {
		t.Errorf("left %q", left)
	}
}

func TestLostConnectionQueuesWhatIsWanted(t *testing.T) {
	now := time.Now()
	x := newInterests(linger)
	waiting := x.add("waiting", kindBroadcast, "/")
	x.lost(false) // before Redis was ever reached
	if closed(waiting) {
		t.Error("ready without Redis")
	}
	for _, name := range []string{"kept", "left"} {
		x.add(name, kindBroadcast, "/")
	}
	x.subscribe(10)
	x.confirm("kept")
	x.confirm("left")
	x.remove("left", "/", now)
	x.up()
	x.lost(true)
	if !closed(waiting) || !closed(x.add("meanwhile", kindBroadcast, "/")) {
		t.Error("a join waits although Redis is away")
	}
	x.restore("forgotten", kindBroadcast, "/")
	if got := x.subscribe(10); len(got.channels) != 4 {
		t.Errorf("to subscribe: %q", got.channels)
	}
	for _, name := range []string{"kept", "waiting", "meanwhile", "forgotten"} {
		x.confirm(name)
	}
	x.up()
	if all, pending := x.sizes(); all != 4 || pending != 0 {
		t.Errorf("%d, %d pending", all, pending)
	}
	if closed(x.add("new", kindBroadcast, "/")) {
		t.Error("a join does not wait although Redis is back")
	}
}

func TestRestoreDoesNotReviveWhatWasLeft(t *testing.T) {
	now := time.Now()
	x := newInterests(linger)
	x.add("c", kindBroadcast, "/")
	x.subscribe(1)
	x.confirm("c")
	x.remove("c", "/", now)
	x.restore("c", kindBroadcast, "/")
	if o := x.unsubscribe(now.Add(linger)); len(o.channels) != 1 {
		t.Errorf("%+v", o)
	}
}

func TestNamespaceAndRoomMayShareAChannel(t *testing.T) {
	now := time.Now()
	x, c := newInterests(linger), newChannels("p")
	name := c.all("/a#b")
	if name != c.room("/a", "b") {
		t.Fatal("they do not share one")
	}
	x.add(name, kindBroadcast, "/a#b")
	x.add(name, kindBroadcast, "/a")
	x.subscribe(10)
	x.confirm(name)
	x.remove(name, "/a#b", now)
	x.remove(name, "/a#b", now)
	if o := x.unsubscribe(now.Add(linger)); !o.empty() {
		t.Error("the room went with the namespace")
	}
	x.remove(name, "/a", now)
	if o := x.unsubscribe(now.Add(linger)); len(o.channels) != 1 {
		t.Error("nobody wants it")
	}
}
