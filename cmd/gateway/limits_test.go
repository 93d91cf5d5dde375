package main

import (
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/causeway-rt/causeway/internal/gateway"
	"github.com/causeway-rt/causeway/internal/rate"
)

// limitsOf reads limits from a file with the section, after a setting on the left margin.
func limitsOf(t *testing.T, top, section string) (gateway.Limits, error) {
	t.Helper()
	cmd, err := parse([]string{"--config", writeFile(t, top+"\nlimits:\n  "+section+"\n")}, sources{sections: allSections}, io.Discard)
	return cmd.cfg.Limits, err
}

func TestLimitsAreReadWhole(t *testing.T) {
	got, err := limitsOf(t, "max_connections: 5", strings.Join([]string{
		"connections_per_user: 6",
		"handshakes: {per_second: 1, burst: 2}",
		"handshakes_per_address: {per_second: 3, burst: 4}",
		"events_per_connection: {per_second: 5}",
		"joins_per_socket: {per_second: 0}",
		"rooms_per_socket: 7",
		"namespaces_per_connection: 8",
		"pending_acks_per_socket: 9",
	}, "\n  "))
	want := gateway.Limits{
		Connections: 5, ConnectionsPerUser: 6, Handshakes: rate.Limit{PerSecond: 1, Burst: 2}, HandshakesPerAddress: rate.Limit{PerSecond: 3, Burst: 4},
		Events: rate.Limit{PerSecond: 5, Burst: 10}, Rooms: 7, Namespaces: 8, PendingAcks: 9,
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestLimitsThatAreNotGivenKeepTheirDefaults(t *testing.T) {
	for _, top := range []string{"dev: false", "dev: true"} {
		dev := top == "dev: true"
		got, err := limitsOf(t, top, "rooms_per_socket: 7")
		want := defaultLimits(dev)
		want.Rooms = 7
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v, want %+v", top, got, err, want)
		}
	}
	cmd, err := parse(nil, sources{}, io.Discard) // without a file
	if err != nil || !reflect.DeepEqual(cmd.cfg.Limits, defaultLimits(false)) {
		t.Errorf("%+v, %v", cmd.cfg.Limits, err)
	}
}

// TestExampleShowsTheDefaultLimits as its first lines say.
func TestExampleShowsTheDefaultLimits(t *testing.T) {
	cmd, err := parse([]string{"--config", writeFile(t, exampleFile(t))}, sources{sections: allSections}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	want := defaultLimits(false)
	want.HandshakesPerAddress.Burst = 100 // of a rate that is off
	if !reflect.DeepEqual(cmd.cfg.Limits, want) {
		t.Errorf("%+v, want %+v", cmd.cfg.Limits, want)
	}
}

func TestImpossibleLimitsAreRefused(t *testing.T) {
	for section, want := range map[string]string{
		"handshakes: 5":                                          "limits.handshakes: ",
		"handshakes: {burst: 5}":                                 "limits.handshakes.per_second: missing",
		"events_per_connection: {per_second: -1}":                "from 0 to 1000000",
		"joins_per_socket: {per_second: 1, burst: 0}":            "limits.joins_per_socket.burst: ",
		"joins_per_socket: {per_second: 1, bursts: 3}":           "allowed: per_second, burst",
		"rooms_per_socket: 0":                                    "from 1 to 10000",
		"connections: 5":                                         "unknown key",
		"handshakes_per_address: {per_second: 1.5}":              "limits.handshakes_per_address.per_second: ",
		"namespaces_per_connection: many":                        "limits.namespaces_per_connection: ",
		"pending_acks_per_socket: 99999999999999999999999999999": "limits.pending_acks_per_socket: ",
	} {
		if _, err := limitsOf(t, "", section); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q in it", section, err, want)
		}
	}
}
