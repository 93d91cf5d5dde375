package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// record is what one comparison found. A later version is compared with it by --base.
type record struct {
	Version   int       `json:"version"` // of this form: 1
	Taken     time.Time `json:"taken"`
	Gateway   string    `json:"gateway"` // versions, as the programs say them
	Node      string    `json:"node"`
	Redis     string    `json:"redis"`
	Machine   string    `json:"machine"`
	Rounds    int       `json:"rounds"`
	Workloads []rows    `json:"workloads"`
}

// rows are a workload's figures of every round: by figure, then by server.
type rows struct {
	Name    string                          `json:"name"`
	Nodes   int                             `json:"nodes"`
	Args    []string                        `json:"args"`
	Figures map[string]map[string][]float64 `json:"figures"`
}

func newRecord(ctx context.Context, t tools, rounds int) *record {
	return &record{
		Version: 1,
		Taken:   time.Now().UTC().Truncate(time.Second),
		Gateway: says(ctx, t.gateway, "version"),
		Node:    says(ctx, "node", "--version"),
		Redis:   says(ctx, "redis-server", "--version"),
		Machine: fmt.Sprintf("%s/%s, %d cores", runtime.GOOS, runtime.GOARCH, runtime.NumCPU()),
		Rounds:  rounds,
	}
}

// says is the first line that a program prints, or why it cannot.
func says(ctx context.Context, program string, args ...string) string {
	out, err := exec.CommandContext(ctx, program, args...).Output()
	if err != nil {
		return err.Error()
	}
	line, _, _ := strings.Cut(string(out), "\n")
	return line
}

func (r *record) write(path string) error {
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

func readRecord(path string) (*record, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r := &record{}
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if r.Version != 1 {
		return nil, fmt.Errorf("%s: form %d; this program reads form 1", path, r.Version)
	}
	return r, nil
}

// find returns a workload's rows, or empty ones.
func (r *record) find(name string) rows {
	for _, w := range r.Workloads {
		if w.Name == name {
			return w
		}
	}
	return rows{}
}

func (w *rows) add(server string, figures []figure, r run) {
	for _, f := range figures {
		if w.Figures[f.name] == nil {
			w.Figures[f.name] = map[string][]float64{}
		}
		if v := f.of(r); !math.IsNaN(v) && !math.IsInf(v, 0) { // nothing was delivered: wrong has said so
			w.Figures[f.name][server] = append(w.Figures[f.name][server], v)
		}
	}
}
