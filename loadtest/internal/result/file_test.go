package result

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestResultComesBackFromItsFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.json")
	want := sample(0)
	if err := want.WriteFile(name); err != nil {
		t.Fatal(err)
	}
	got, err := ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	a, b := text(t, want), text(t, got)
	if a != b {
		t.Errorf("it changed:\n%s\n%s", a, b)
	}
	equal(t, got.Latency.Delivery, want.Latency.Delivery)
	if got.Intervals[0].Latency.Delivery != nil || got.Intervals[4].Latency.Delivery.counts != nil {
		t.Error("the time series is not packed")
	}
}

func text(t *testing.T, r *Result) string {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWrongFileIsRefusedInOneLine(t *testing.T) {
	damaged := sample(0)
	damaged.Intervals[3].Phase = 9
	for name, tt := range map[string]struct{ content, says string }{
		"empty":          {" \n", "empty"},
		"text":           {"hello", "not a result"},
		"other JSON":     {`{"name": "causeway"}`, `no "version"`},
		"array":          {`[1, 2]`, "not a result"},
		"package.json":   {`{"version": "1.2.3"}`, "not a result"},
		"later":          {`{"version": 2}`, "version 2, and this program reads version 1"},
		"cut short":      {text(t, sample(0))[:2000], "not a result"},
		"wrong type":     {`{"version": 1, "seconds": "long"}`, "damaged"},
		"histogram":      {`{"version": 1, "latency": {"ack": {"count": 3}}}`, "damaged: histogram"},
		"phase":          {text(t, damaged), "interval 3 is of phase 9"},
		"more servers":   {`{"version": 1, "phases": [{}], "intervals": [{"servers": [{}]}]}`, "interval 0 has 1 servers"},
		"more in phase":  {`{"version": 1, "phases": [{"servers": [{}]}]}`, "phase 0 has 1 servers"},
		"more in before": {`{"version": 1, "before": [{}]}`, "1 servers"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "b.json")
			if err := os.WriteFile(file, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := ReadFile(file)
			if err == nil || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), "b.json") || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want one line with %q and the file's name", err, tt.says)
			}
		})
	}
	if _, err := ReadFile(filepath.Join(t.TempDir(), "none.json")); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "none.json") {
		t.Errorf("of a file that is not there: %v", err)
	}
}

func TestFileStaysAsItWasWhenWritingFails(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "a.json")
	if err := os.WriteFile(name, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	full := errors.New("disk full")
	err := writeFile(name, func(w io.Writer) error { io.WriteString(w, "half"); return full })
	if !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
	b, err := os.ReadFile(name)
	if err != nil || string(b) != "before" {
		t.Errorf("the file has %q, %v", b, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("%d files are left, %v", len(left), err)
	}
}

func TestResultIsWrittenIntoADevice(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got := make(chan []byte)
	go func() { b, _ := io.ReadAll(r); got <- b }()
	err = sample(0).WriteFile("/dev/fd/" + integer(int64(w.Fd())))
	w.Close()
	if b := <-got; err != nil || !json.Valid(b) {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

func TestCSVHasOneLineForEachInterval(t *testing.T) {
	var b bytes.Buffer
	if err := sample(0).WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 9 {
		t.Fatalf("%d lines, want 9", len(lines))
	}
	const header = "from_s,to_s,phase,open,wanted," +
		"attempts,connected,connect_errors,disconnects,cuts,slow_closed,reconnects,reconnect_errors,joins,leaves,refused," +
		"published,unsent,requests,acks,ack_timeouts,received,bytes_in,bytes_out," +
		"audit_published,audit_due,audit_delivered,audit_lost,audit_gap,audit_absent,audit_unjudged," +
		"audit_duplicated,audit_reordered,audit_corrupted,audit_after_leaving,audit_unknown," +
		"connect_count,connect_p50_ms,connect_p75_ms,connect_p90_ms,connect_p95_ms,connect_p99_ms,connect_p999_ms,connect_p9999_ms,connect_max_ms," +
		"ack_count,ack_p50_ms,ack_p75_ms,ack_p90_ms,ack_p95_ms,ack_p99_ms,ack_p999_ms,ack_p9999_ms,ack_max_ms," +
		"delivery_count,delivery_p50_ms,delivery_p75_ms,delivery_p90_ms,delivery_p95_ms,delivery_p99_ms,delivery_p999_ms,delivery_p9999_ms,delivery_max_ms," +
		"reconnect_count,reconnect_p50_ms,reconnect_p75_ms,reconnect_p90_ms,reconnect_p95_ms,reconnect_p99_ms,reconnect_p999_ms,reconnect_p9999_ms,reconnect_max_ms," +
		"tool_cpu_s,tool_resident_bytes," +
		"server1_cpu_s,server1_resident_bytes,server1_connections,server1_queue_bytes,server1_publish_s"
	if lines[0] != header {
		t.Errorf("the names are\n%s\nwant\n%s", lines[0], header)
	}
	const row = "3,4,load,30,30," + "0,0,0,0,0,0,0,0,0,0,0," + "10,0,0,0,0,101,0,0," + "10,101,100,1,0,0,0,0,0,0,0,0," +
		"0,,,,,,,,," + "0,,,,,,,,," + "2,3.001,2049.023,2049.023,2049.023,2049.023,2049.023,2049.023,2049.023," + "0,,,,,,,,," + "3,1000," + "3,1079296,30,3,"
	if got := lines[4]; got != row {
		t.Errorf("the row is\n%s\nwant\n%s", got, row)
	}
}

func TestCSVLeavesServerOutThatDidNotAnswer(t *testing.T) {
	r := sample(0)
	r.Intervals[0].Servers = nil
	var b bytes.Buffer
	if err := r.WriteCSV(&b); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(b.String(), "\n")
	if strings.Count(lines[1], ",") != strings.Count(lines[0], ",") || !strings.HasSuffix(lines[1], ",,,,,") {
		t.Errorf("the row is %s", lines[1])
	}
}
