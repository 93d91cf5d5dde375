package main

import (
	"fmt"
	"io"

	"github.com/alecthomas/kong"

	"github.com/causeway-rt/causeway/internal/gateway"
)

const intro = `Usage: gateway [command] [flags]

A gateway for Socket.IO clients. A setting can be given as a flag, as the
environment variable beside it, or in the file of --config under the flag's
name with _ for -; the flag wins over the variable, the variable over the file.
Durations are written as 500ms, 25s or 1m30s, lists with commas.

Commands:
  serve            run until SIGTERM or SIGINT (the default)
  check-config     say what is wrong with the configuration, if anything
  healthcheck      ask the node that runs with this --internal-listen whether it
                   is alive (livez, the default) or takes clients (readyz)
  drain            have the node that runs with this --internal-listen drain and
                   end, and wait for that: by the server API, with the first key
                   of --config that has the scope drain or --api-key-file=FILE,
                   or with --pid=N by SIGTERM to the node's process. Exit status
                   1 if the node has not ended within --timeout=5m
  version          print the version
`

// groups are the headings of the help, in order.
var groups = []kong.Group{
	{Key: "", Title: "General:"},
	{Key: "listen", Title: "Listening:"},
	{Key: "session", Title: "Sessions:"},
	{Key: "recovery", Title: "Recovery of what clients missed while they were away (0: off):"},
	{Key: "cluster", Title: "Cluster:"},
	{Key: "stop", Title: fmt.Sprintf(`Stopping (SIGTERM, SIGINT; a second signal ends at once). It takes at most
both times and %s more: what a supervisor must allow before it kills.`, gateway.DrainSlack)},
	{Key: "log", Title: "Logging, profiles and traces:"},
}

// printHelp writes all flags, each with its default, its variable and one line
// of what it does, in 80 columns: kong's own layout aligns each group by itself
// and needs three lines for many of them.
func printHelp(w io.Writer, app *kong.Application) {
	fmt.Fprint(w, intro)
	for _, g := range groups {
		fmt.Fprintf(w, "\n%s\n", g.Title)
		for _, f := range settingsOf(app) {
			if groupOf(f) == g.Key {
				fmt.Fprintf(w, "  %-42s %s\n      %s\n", spelling(f), variable(f.Name), f.Help)
			}
		}
	}
}

func groupOf(f *kong.Flag) string {
	if f.Group == nil {
		return ""
	}
	return f.Group.Key
}

// spelling is a flag with its default, or with what it takes when it has none.
func spelling(f *kong.Flag) string {
	switch {
	case f.HasDefault:
		return "--" + f.Name + "=" + f.Default
	case f.PlaceHolder != "":
		return "--" + f.Name + "=" + f.PlaceHolder
	}
	return "--" + f.Name
}
