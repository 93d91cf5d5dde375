package result

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
)

// WriteCSV writes the intervals as a table with one line of names. What is not known,
// and the times of what did not happen, is empty. The columns, always in this order,
// are
//
//   - from_s, to_s, phase (its name), open, wanted;
//   - those of Counts, by their names in the JSON;
//   - audit_ and each of audit.Sums;
//   - for connect, ack, delivery and reconnect: _count, and _p50_ms to _max_ms;
//   - tool_cpu_s and tool_resident_bytes, of this program, CPU since its start;
//   - for each server, with its number from 1 on: server1_cpu_s, server1_resident_bytes,
//     server1_connections, server1_queue_bytes, server1_publish_s.
//
// New columns come at the end of their group in a version of the file only.
func (r *Result) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(csvHeader(len(r.Servers))); err != nil {
		return err
	}
	for _, iv := range r.Intervals {
		if err := out.Write(r.csvRow(iv)); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// WriteCSVFile is WriteCSV to a file, as WriteFile.
func (r *Result) WriteCSVFile(name string) error { return writeFile(name, r.WriteCSV) }

func csvHeader(servers int) []string {
	names := []string{"from_s", "to_s", "phase", "open", "wanted"}
	for _, f := range CountFields {
		names = append(names, f.Name)
	}
	for _, f := range SumFields {
		names = append(names, "audit_"+f.Name)
	}
	for _, f := range LatencyFields {
		names = append(names, f.Name+"_count")
		for _, q := range Quantiles {
			names = append(names, f.Name+"_"+q.Name+"_ms")
		}
	}
	names = append(names, "tool_cpu_s", "tool_resident_bytes")
	for i := range servers {
		for _, f := range []string{"cpu_s", "resident_bytes", "connections", "queue_bytes", "publish_s"} {
			names = append(names, fmt.Sprintf("server%d_%s", i+1, f))
		}
	}
	return names
}

func (r *Result) csvRow(iv Interval) []string {
	row := []string{decimal(iv.From), decimal(iv.To), r.phaseName(iv.Phase), integer(iv.Open), integer(iv.Wanted)}
	for _, f := range CountFields {
		row = append(row, integer(*f.Of(&iv.Counts)))
	}
	for _, f := range SumFields {
		row = append(row, integer(*f.Of(&iv.Audit)))
	}
	for _, f := range LatencyFields {
		row = append(row, csvTimes(*f.Of(&iv.Latency))...)
	}
	row = append(row, decimal(iv.Tool.CPUSeconds), integer(iv.Tool.ResidentBytes))
	for i := range r.Servers {
		s := NoSample()
		if i < len(iv.Servers) {
			s = iv.Servers[i]
		}
		row = append(row, decimal(s.CPUSeconds), integer(s.ResidentBytes), integer(s.Connections), integer(s.QueueBytes), decimal(s.PublishSeconds))
	}
	return row
}

func csvTimes(h *Histogram) []string {
	row := []string{integer(h.Count())}
	for _, q := range Quantiles {
		if h.Count() == 0 {
			row = append(row, "")
			continue
		}
		row = append(row, decimal(ms(h.Quantile(q.Q))))
	}
	return row
}

func (r *Result) phaseName(i int) string {
	if i < len(r.Phases) && r.Phases[i].Name != "" {
		return r.Phases[i].Name
	}
	return strconv.Itoa(i)
}

// integer and decimal write a figure, and nothing for one that is missing.
func integer(n int64) string {
	if n < 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func decimal(v float64) string {
	if v < 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}
