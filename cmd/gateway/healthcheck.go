package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	// healthTimeout is less than the 3 s that the image's HEALTHCHECK allows.
	healthTimeout = 2 * time.Second
	// maxHealthBytes bounds what is read of the answer.
	maxHealthBytes = 16 << 10
)

// healthURL is what healthcheck asks. Of all settings it needs one: the others may
// have been given to the node in ways that it does not see.
func (f *flags) healthURL(names map[string]string) (string, error) {
	names[cmdHealth] = cmdHealth
	p := parser{names: names}
	path := p.oneOf(cmdHealth, f.Healthcheck.Path, "livez", "readyz")
	url := p.node("internal-listen", f.InternalListen)
	return url + "/" + path, p.err
}

// askHealth returns one line with what the node said, as an error unless it said ok.
func askHealth(ctx context.Context, url string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", fmt.Errorf("%s: %w", cmdHealth, err)
	}
	// No proxy, whatever the environment says: the node is this one.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return "", fmt.Errorf("%s: %w", cmdHealth, err)
	}
	defer response.Body.Close()
	line := url + ": " + response.Status + checksIn(io.LimitReader(response.Body, maxHealthBytes))
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", cmdHealth, line)
	}
	return line, nil
}

// checksIn names the checks of an answer: ", drain ok, redis away". An answer that has
// none is somebody else's, and its status has to do.
func checksIn(body io.Reader) string {
	var answer struct {
		Checks map[string]string `json:"checks"`
	}
	if json.NewDecoder(body).Decode(&answer) != nil {
		return ""
	}
	var line strings.Builder
	for _, name := range slices.Sorted(maps.Keys(answer.Checks)) {
		fmt.Fprintf(&line, ", %s %s", name, answer.Checks[name])
	}
	return line.String()
}
