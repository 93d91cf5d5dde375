package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/causeway-rt/causeway/internal/gateway"
)

const (
	cmdServe   = "serve"
	cmdCheck   = "check-config"
	cmdHealth  = "healthcheck"
	cmdDrain   = "drain"
	cmdVersion = "version"
	cmdHelp    = "help"
)

// command is a command line, understood.
type command struct {
	name string
	cfg  gateway.Config // of serve and check-config
	url  string         // that healthcheck asks
	stop drainOrder     // of drain
}

// parse reads the command line, and from src what it leaves open. Help goes to
// stdout on the way.
func parse(args []string, src sources, stdout io.Writer) (command, error) {
	var f flags
	helped := false
	parser, err := kong.New(&f,
		kong.Name("gateway"),
		kong.ExplicitGroups(groups[1:]),
		kong.Help(func(_ kong.HelpOptions, ctx *kong.Context) error {
			printHelp(stdout, ctx.Model)
			return nil
		}),
		kong.Writers(stdout, io.Discard),
		kong.Exit(func(int) { helped = true }),
		kong.WithHyphenPrefixedParameters(true),
	)
	if err != nil {
		return command{}, err
	}
	ctx, err := parser.Parse(args)
	if helped {
		return command{name: cmdHelp}, nil
	}
	if err != nil {
		return command{}, withAllowed(err, parser.Model)
	}
	name, _, _ := strings.Cut(ctx.Command(), " ") // kong adds the names of arguments
	cmd := command{name: name}
	if cmd.name == cmdVersion {
		return cmd, nil
	}
	names, from, err := src.fill(ctx)
	if err != nil {
		return cmd, err
	}
	if cmd.name == cmdHealth {
		cmd.url, err = f.healthURL(names)
		return cmd, err
	}
	if cmd.name == cmdDrain {
		cmd.stop, err = f.drainOrder(names, from)
		return cmd, err
	}
	if cmd.cfg, err = f.config(names); err != nil {
		return cmd, err
	}
	cmd.cfg.Sources = gateway.Sources{File: f.Config, Names: slices.Compact(slices.Sorted(maps.Values(names)))}
	return cmd, readSections(src.sections, from, &cmd.cfg)
}

// withAllowed completes kong's message about an unknown word: it says what is
// allowed in its place.
func withAllowed(err error, app *kong.Application) error {
	message, _, _ := strings.Cut(err.Error(), ", did you mean")
	switch {
	case strings.HasPrefix(message, "unknown flag"):
		flags := list(settingsOf(app), func(name string) string { return "--" + name })
		return fmt.Errorf("%s; allowed: --help, %s", message, flags)
	case strings.HasPrefix(message, "unexpected argument"):
		return fmt.Errorf("%s; allowed: %s, %s, %s, %s, %s, and flags, which --help lists", message, cmdServe, cmdCheck, cmdHealth, cmdDrain, cmdVersion)
	}
	return err
}

// oneLine keeps an error on one line, whatever a value in it contains.
func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' || r == '\r' }), " ")
}
