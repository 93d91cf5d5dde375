package main

import (
	"context"
	"io"

	"github.com/causeway-rt/causeway/loadtest/internal/compare"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// compareCommand shows two results side by side.
type compareCommand struct {
	A        string `arg:"" name:"a.json"`
	B        string `arg:"" name:"b.json"`
	Markdown toggle `help:"Write tables for a document."`
}

func (c *compareCommand) run(_ context.Context, stdout, _ io.Writer) error {
	markdown, err := c.Markdown.on("markdown")
	if err != nil {
		return err
	}
	a, err := result.ReadFile(c.A)
	if err != nil {
		return err
	}
	b, err := result.ReadFile(c.B)
	if err != nil {
		return err
	}
	both := compare.Compare(a, b, c.A, c.B)
	if markdown {
		return both.Markdown(stdout)
	}
	return both.Text(stdout)
}
