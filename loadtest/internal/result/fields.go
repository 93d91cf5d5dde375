package result

import "github.com/causeway-rt/causeway/loadtest/internal/audit"

// CountFields are the fields of Counts by their names in files, in the order of the
// struct.
var CountFields = []struct {
	Name string
	Of   func(*Counts) *int64
}{
	{"attempts", func(c *Counts) *int64 { return &c.Attempts }},
	{"connected", func(c *Counts) *int64 { return &c.Connected }},
	{"connect_errors", func(c *Counts) *int64 { return &c.ConnectErrors }},
	{"disconnects", func(c *Counts) *int64 { return &c.Disconnects }},
	{"cuts", func(c *Counts) *int64 { return &c.Cuts }},
	{"slow_closed", func(c *Counts) *int64 { return &c.SlowClosed }},
	{"reconnects", func(c *Counts) *int64 { return &c.Reconnects }},
	{"reconnect_errors", func(c *Counts) *int64 { return &c.ReconnectErrors }},
	{"joins", func(c *Counts) *int64 { return &c.Joins }},
	{"leaves", func(c *Counts) *int64 { return &c.Leaves }},
	{"refused", func(c *Counts) *int64 { return &c.Refused }},
	{"published", func(c *Counts) *int64 { return &c.Published }},
	{"unsent", func(c *Counts) *int64 { return &c.Unsent }},
	{"requests", func(c *Counts) *int64 { return &c.Requests }},
	{"acks", func(c *Counts) *int64 { return &c.Acks }},
	{"ack_timeouts", func(c *Counts) *int64 { return &c.AckTimeouts }},
	{"received", func(c *Counts) *int64 { return &c.Received }},
	{"bytes_in", func(c *Counts) *int64 { return &c.BytesIn }},
	{"bytes_out", func(c *Counts) *int64 { return &c.BytesOut }},
}

// SumFields are the fields of audit.Sums in the same way.
var SumFields = []struct {
	Name string
	Of   func(*audit.Sums) *int64
}{
	{"published", func(s *audit.Sums) *int64 { return &s.Published }},
	{"due", func(s *audit.Sums) *int64 { return &s.Due }},
	{"delivered", func(s *audit.Sums) *int64 { return &s.Delivered }},
	{"lost", func(s *audit.Sums) *int64 { return &s.Lost }},
	{"gap", func(s *audit.Sums) *int64 { return &s.Gap }},
	{"absent", func(s *audit.Sums) *int64 { return &s.Absent }},
	{"unjudged", func(s *audit.Sums) *int64 { return &s.Unjudged }},
	{"duplicated", func(s *audit.Sums) *int64 { return &s.Duplicated }},
	{"reordered", func(s *audit.Sums) *int64 { return &s.Reordered }},
	{"corrupted", func(s *audit.Sums) *int64 { return &s.Corrupted }},
	{"after_leaving", func(s *audit.Sums) *int64 { return &s.AfterLeaving }},
	{"unknown", func(s *audit.Sums) *int64 { return &s.Unknown }},
}

// LatencyFields are the histograms of Latency in the same way.
var LatencyFields = []struct {
	Name string
	Of   func(*Latency) **Histogram
}{
	{"connect", func(l *Latency) **Histogram { return &l.Connect }},
	{"ack", func(l *Latency) **Histogram { return &l.Ack }},
	{"delivery", func(l *Latency) **Histogram { return &l.Delivery }},
	{"reconnect", func(l *Latency) **Histogram { return &l.Reconnect }},
}

// Add adds o field by field.
func (c *Counts) Add(o Counts) {
	for _, f := range CountFields {
		*f.Of(c) += *f.Of(&o)
	}
}

// Merge adds all times of o to l. A histogram that l does not have is made, if there
// is something to put into it; those of o are not kept.
func (l *Latency) Merge(o Latency) {
	for _, f := range LatencyFields {
		mine, theirs := f.Of(l), *f.Of(&o)
		if theirs.Count() == 0 {
			continue
		}
		if *mine == nil {
			*mine = new(Histogram)
		}
		(*mine).Merge(theirs)
	}
}

// Packed returns a small copy of l. What is empty in it is nil.
func (l Latency) Packed() Latency {
	var small Latency
	for _, f := range LatencyFields {
		*f.Of(&small) = (*f.Of(&l)).Packed()
	}
	return small
}
