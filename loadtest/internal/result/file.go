package result

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// maxFile bounds what is read: a day at one interval a second.
const maxFile = 1 << 30

// Write writes r as the JSON that Read reads.
func (r *Result) Write(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", " ")
	return e.Encode(r)
}

// WriteFile writes r to a file. One that was there before is replaced when all is
// written, and stays as it was if that fails.
func (r *Result) WriteFile(name string) error {
	return Replace(name, r.Write)
}

// Replace has write write a file. One that was there before is replaced when all is
// written, and stays as it was if that fails.
func Replace(name string, write func(io.Writer) error) (err error) {
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() {
		return writeInto(name, write) // as /dev/stdout
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".loadtest-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
			err = fmt.Errorf("write %s: %w", name, err)
		}
	}()
	if err := write(f); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

func writeInto(name string, write func(io.Writer) error) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Close())
}

// ReadFile reads a result from a file. An error is one line that names the file.
func ReadFile(name string) (*Result, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err // names the file
	}
	defer f.Close()
	r, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

// Read reads a result of up to 1 GiB. Histograms in it are packed. An error says in one
// line why it is none.
func Read(from io.Reader) (*Result, error) {
	b, err := io.ReadAll(io.LimitReader(from, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("more than %d MiB are no result of a load test", maxFile>>20)
	}
	if len(bytes.TrimSpace(b)) == 0 {
		return nil, errors.New("it is empty; a result is what --json writes")
	}
	var head struct {
		Version *int `json:"version"`
		Search  *int `json:"search_version"`
	}
	if err := json.Unmarshal(b, &head); err != nil {
		return nil, fmt.Errorf("not a result of a load test, as --json writes it: %w", err)
	}
	if head.Search != nil {
		return nil, errors.New("it is of a search, and not of a single run")
	}
	if head.Version == nil {
		return nil, errors.New(`not a result of a load test, as --json writes it: it has no "version"`)
	}
	if *head.Version != Version {
		return nil, fmt.Errorf("its form is version %d, and this program reads version %d", *head.Version, Version)
	}
	r := new(Result)
	if err := json.Unmarshal(b, r); err != nil {
		return nil, fmt.Errorf("damaged: %w", err)
	}
	return r, r.consistent()
}

// consistent checks what readers rely on: indexes that are in range.
func (r *Result) consistent() error {
	if len(r.Before) > len(r.Servers) {
		return fmt.Errorf("damaged: before the test there were %d servers, and there are %d", len(r.Before), len(r.Servers))
	}
	for i, iv := range r.Intervals {
		if iv.Phase < 0 || iv.Phase >= len(r.Phases) {
			return fmt.Errorf("damaged: interval %d is of phase %d, and there are %d", i, iv.Phase, len(r.Phases))
		}
		if len(iv.Servers) > len(r.Servers) {
			return fmt.Errorf("damaged: interval %d has %d servers, and there are %d", i, len(iv.Servers), len(r.Servers))
		}
	}
	for i, p := range r.Phases {
		if len(p.Servers) > len(r.Servers) {
			return fmt.Errorf("damaged: phase %d has %d servers, and there are %d", i, len(p.Servers), len(r.Servers))
		}
	}
	return nil
}
