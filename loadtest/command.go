package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

// errUnmet is for a run that was made, and in which something was not as expected. It
// has been told.
var errUnmet = errors.New("an expectation was not met")

// command is a command line, understood.
type command interface {
	run(ctx context.Context, stdout, stderr io.Writer) error
}

// grammar is what a command line may be.
type grammar struct {
	Run       runCommand       `cmd:"" help:"Load a server and report."`
	Search    searchCommand    `cmd:"" help:"Find the highest load that meets all expectations."`
	Worker    workerCommand    `cmd:"" help:"Make a part of runs that others direct with --workers."`
	Compare   compareCommand   `cmd:"" help:"Show two results of --json side by side."`
	Scenarios scenariosCommand `cmd:"" help:"Say what each scenario does and measures."`
	Version   versionCommand   `cmd:"" help:"Print the version."`
}

// parse reads the command line. Help goes to stdout on the way.
func parse(args []string, stdout io.Writer) (command, error) {
	var g grammar
	helped := false
	parser, err := kong.New(&g,
		kong.Name("loadtest"),
		kong.Help(func(_ kong.HelpOptions, ctx *kong.Context) error {
			printHelp(stdout, ctx.Model, ctx.Selected())
			return nil
		}),
		kong.Writers(stdout, io.Discard),
		kong.Exit(func(int) { helped = true }),
		kong.WithHyphenPrefixedParameters(true),
	)
	if err != nil {
		return nil, err
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	ctx, err := parser.Parse(args)
	if helped {
		return nothing{}, nil
	}
	if err != nil {
		return nil, withAllowed(err, parser.Model, args)
	}
	switch name, _, _ := strings.Cut(ctx.Command(), " "); name {
	case "run":
		g.Run.args, g.Run.given = args, planFlags(ctx.Selected())
		return &g.Run, nil
	case "search":
		g.Search.args, g.Search.given = args, planFlags(ctx.Selected())
		return &g.Search, nil
	case "worker":
		return &g.Worker, nil
	case "compare":
		return &g.Compare, nil
	case "scenarios":
		return g.Scenarios, nil
	}
	return g.Version, nil
}

// nothing is what is left to do when help was printed.
type nothing struct{}

func (nothing) run(context.Context, io.Writer, io.Writer) error { return nil }

// withAllowed completes kong's message about an unknown word: it says what is
// allowed in its place.
func withAllowed(err error, app *kong.Application, args []string) error {
	message, meant, _ := strings.Cut(err.Error(), ", did you mean")
	node := commandOf(app, args)
	if meant != "" {
		meant = ", did you mean" + meant
	}
	commands := strings.Join(commandNames(app), ", ")
	switch {
	case strings.HasPrefix(message, "unknown flag") && node != nil:
		return fmt.Errorf("%s%s; loadtest %s --help lists all", message, meant, node.Name)
	case strings.HasPrefix(message, "unknown flag"):
		return fmt.Errorf("%s; flags stand after a command: %s", message, commands)
	case strings.HasPrefix(message, `expected "<`):
		return errors.New("want two files that --json has written: loadtest compare A.json B.json")
	case strings.HasPrefix(message, "unexpected argument") && node != nil && node.Name == "compare":
		return fmt.Errorf("%s; want two files", message)
	case strings.HasPrefix(message, "unexpected argument") && node != nil:
		return fmt.Errorf("%s; want flags only, which loadtest %s --help lists", message, node.Name)
	case strings.HasPrefix(message, "unexpected argument"):
		return fmt.Errorf("%s; want a command: %s", message, commands)
	}
	return err
}

// commandOf is the command that args begin with, nil if there is none.
func commandOf(app *kong.Application, args []string) *kong.Node {
	for _, node := range app.Children {
		if node.Name == args[0] {
			return node
		}
	}
	return nil
}

func commandNames(app *kong.Application) (names []string) {
	for _, node := range app.Children {
		names = append(names, node.Name)
	}
	return names
}
