package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// sources answers for the settings that the command line leaves open: from the
// environment, else from the file. kong's own support ranks a file above the
// environment and takes unknown keys, so it is not used.
type sources struct {
	environ  []string  // as os.Environ
	sections []section // of the file
}

// fill sets the flags that the command line has not given. It returns for every flag
// the name that its user knows it by: --max-queue, GATEWAY_MAX_QUEUE or max_queue; and
// the file, if there is one.
func (s sources) fill(ctx *kong.Context) (names map[string]string, from *file, err error) {
	names = map[string]string{}
	for _, p := range ctx.Path {
		if p.Flag != nil {
			names[p.Flag.Name] = "--" + p.Flag.Name
		}
	}
	settings := settingsOf(ctx.Model)
	if err := s.refuseUnknown(settings); err != nil {
		return nil, nil, err
	}
	var texts map[string]string     // of the file
	for _, flag := range settings { // config is the first
		if names[flag.Name] == "" {
			// An empty variable is what `X: ${Y:-}` leaves behind: not set.
			if v := s.variable(flag.Name); v != "" {
				flag.Target.SetString(v)
				names[flag.Name] = variable(flag.Name)
			} else if v, ok := texts[flag.Name]; ok {
				flag.Target.SetString(v)
				names[flag.Name] = key(flag.Name)
			}
		}
		if flag.Name == "config" && flag.Target.String() != "" {
			if from, err = readFile(names["config"], flag.Target.String(), settings[1:], s.sections); err != nil {
				return nil, nil, err
			}
			texts = from.texts
		}
	}
	return names, from, nil
}

// variable is the value of a flag's environment variable, "" if it has none.
func (s sources) variable(flag string) string {
	for _, pair := range s.environ {
		if name, value, _ := strings.Cut(pair, "="); name == variable(flag) {
			return value
		}
	}
	return ""
}

// refuseUnknown refuses environment variables that look like settings and are none.
func (s sources) refuseUnknown(settings []*kong.Flag) error {
	for _, pair := range s.environ {
		name, value, _ := strings.Cut(pair, "=")
		if !strings.HasPrefix(name, "GATEWAY_") || serviceLink.MatchString(name) {
			continue
		}
		if !slices.ContainsFunc(settings, func(f *kong.Flag) bool { return variable(f.Name) == name }) {
			return fmt.Errorf("%s=%q: unknown variable; allowed: %s", name, shownFor(name, value), list(settings, variable))
		}
	}
	return nil
}

// serviceLink matches what Kubernetes puts into the environment of every pod for
// a service whose name begins with "gateway": no settings of ours.
var serviceLink = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$`)

// settingsOf lists the flags that are settings, in the order of the struct.
func settingsOf(app *kong.Application) []*kong.Flag {
	return slices.DeleteFunc(slices.Clone(app.Flags), func(f *kong.Flag) bool { return f.Name == "help" })
}

// variable is the environment variable of a flag.
func variable(flag string) string { return "GATEWAY_" + strings.ToUpper(key(flag)) }

// key is a flag's key in the file.
func key(flag string) string { return strings.ReplaceAll(flag, "-", "_") }

func list(settings []*kong.Flag, spell func(string) string) string {
	out := make([]string, len(settings))
	for i, f := range settings {
		out[i] = spell(f.Name)
	}
	return strings.Join(out, ", ")
}
