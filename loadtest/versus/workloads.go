package main

import (
	"fmt"
	"strings"
)

// workload is one row of the table.
type workload struct {
	name  string
	what  string
	nodes int
	// args are the load tool's, beside its URLs, processes and file.
	args    []string
	figures []figure
}

// workloads are those of docs/performance.md. fan1, fan16, rooms and cluster send the
// next message when one has reached everybody (a closed loop), which shows what a
// server can do; the paced ones send at a rate, which shows how it feels.
var workloads = []workload{
	{"idle", "10,000 connections that say nothing", 1,
		split("--scenario idle --clients 10000 --duration 4s"),
		[]figure{memoryPerClient, cpuPerConnect}},
	{"fan1", "1,000 sockets in a room, one message at a time", 1,
		split("--scenario fanout --clients 1000 --rate 0 --window 1 --payload 128 --duration 5s"),
		[]figure{cpuPerDelivery, deliveries, delivery99}},
	{"fan16", "the same, 16 messages outstanding", 1,
		split("--scenario fanout --clients 1000 --rate 0 --window 16 --payload 128 --duration 5s"),
		[]figure{cpuPerDelivery, deliveries, delivery99}},
	{"paced", "300 sockets in a room, 50 messages a second", 1,
		split("--scenario fanout --clients 300 --rate 50 --payload 128 --duration 6s"),
		[]figure{cpuPerDelivery, delivery50, delivery99}},
	{"rooms", "200 rooms of 5 sockets, 64 messages outstanding", 1,
		split("--scenario fanout --clients 1000 --rooms 200 --rate 0 --window 64 --payload 128 --duration 5s"),
		[]figure{cpuPerDelivery, deliveries}},
	{"ack", "100 sockets, each asks again when it is answered", 1,
		split("--scenario ack --clients 100 --think 0s --duration 5s"),
		[]figure{cpuPerAck, acks, ack99}},
	{"cluster", "3 nodes, 900 sockets in a room, 8 messages outstanding", 3,
		split("--scenario fanout --clients 900 --rate 0 --window 8 --payload 128 --duration 5s"),
		[]figure{cpuPerDelivery, deliveries, delivery99}},
	{"cluster-paced", "3 nodes, 90 sockets in a room, 100 messages a second", 3,
		split("--scenario fanout --clients 90 --rate 100 --payload 128 --duration 6s"),
		[]figure{cpuPerDelivery, delivery50, delivery99}},
}

func split(args string) []string { return strings.Fields(args) }

// choose returns the workloads of a comma-separated list; empty means all.
func choose(names string) ([]workload, error) {
	if names == "" {
		return workloads, nil
	}
	var chosen []workload
next:
	for name := range strings.SplitSeq(names, ",") {
		for _, w := range workloads {
			if w.name == name {
				chosen = append(chosen, w)
				continue next
			}
		}
		var known []string
		for _, w := range workloads {
			known = append(known, w.name)
		}
		return nil, fmt.Errorf("--only: there is no workload %q; allowed: %s", name, strings.Join(known, ", "))
	}
	return chosen, nil
}
