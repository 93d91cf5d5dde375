package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/causeway-rt/causeway/loadtest/internal/report"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// output is a form of what came out, a T, and where it goes.
type output[T any] struct {
	flag, file string
	form       func(io.Writer, T) error
}

// outputs are all that were asked for.
type outputs[T any] struct {
	list   []output[T]
	stdout io.Writer // of a file called -
}

// outputs are the forms of a result.
func (c *runCommand) outputs(stdout io.Writer) (outputs[*result.Result], error) {
	return prepare(&c.runFlags, stdout, report.HTML,
		func(w io.Writer, r *result.Result) error { return r.Write(w) },
		func(w io.Writer, r *result.Result) error { return r.WriteCSV(w) })
}

// prepare makes sure that all can be written: it would be a pity to find out after an
// hour of load.
func prepare[T any](f *runFlags, stdout io.Writer, html, json, csv func(io.Writer, T) error) (outputs[T], error) {
	out := outputs[T]{stdout: stdout}
	for _, asked := range []struct {
		flag  string
		files texts
		form  func(io.Writer, T) error
	}{{"html", f.HTML, html}, {"json", f.JSON, json}, {"csv", f.CSV, csv}} {
		for _, file := range asked.files {
			if err := out.add(output[T]{asked.flag, file, asked.form}); err != nil {
				return outputs[T]{}, fmt.Errorf("--%s=%q: %w", asked.flag, file, err)
			}
		}
	}
	return out, nil
}

func (o *outputs[T]) add(out output[T]) error {
	for _, other := range o.list {
		if other.file == out.file {
			return fmt.Errorf("want another file than that of --%s", other.flag)
		}
	}
	o.list = append(o.list, out)
	if out.file == "-" {
		return nil
	}
	if err := writable(out.file); err != nil {
		return fmt.Errorf("%w; want a file that can be written", withoutPath(err))
	}
	return nil
}

// withoutPath is an error without the name of the file, which is told otherwise.
func withoutPath(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// writable tries what writing will do, and leaves nothing behind.
func writable(file string) error {
	info, err := os.Stat(file)
	switch {
	case err == nil && info.IsDir():
		return errors.New("is a directory")
	case err == nil && !info.Mode().IsRegular(): // as /dev/null
		f, err := os.OpenFile(file, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return f.Close()
	case file == "":
		return errors.New("no name")
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".loadtest-*")
	if err != nil {
		return err
	}
	f.Close()
	return os.Remove(f.Name())
}

// onStdout: what is for people goes elsewhere.
func (o *outputs[T]) onStdout() bool {
	for _, out := range o.list {
		if out.file == "-" {
			return true
		}
	}
	return false
}

func (o *outputs[T]) files() (names []string) {
	for _, out := range o.list {
		if out.file != "-" {
			names = append(names, out.file)
		}
	}
	return names
}

// write writes all, even if one cannot be.
func (o *outputs[T]) write(res T) error {
	var errs []error
	for _, out := range o.list {
		form := func(w io.Writer) error { return out.form(w, res) }
		write := func() error { return result.Replace(out.file, form) }
		if out.file == "-" {
			write = func() error { return form(o.stdout) }
		}
		if err := write(); err != nil {
			errs = append(errs, fmt.Errorf("--%s=%q: %w", out.flag, out.file, err))
		}
	}
	return errors.Join(errs...)
}
