package main

import (
	"bytes"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/internal/gateway"
)

// bar is what the section of these tests says.
type bar struct {
	name     string
	stools   int
	opens    time.Duration
	open     bool
	drinks   []string
	secret   string
	tables   []string
	waiters  map[string]int
	terraces bool
}

// barSection reads every kind of value that there is.
func barSection(into *bar) section {
	return section{key: "bar", read: func(m *mapping, _ *gateway.Config) {
		short := func(s string) bool { return len(s) < 9 }
		*into = bar{
			name:   m.text("name", "a short name", short),
			stools: m.number("stools", 4, 1, 9),
			opens:  m.duration("opens", time.Hour, time.Minute, 24*time.Hour),
			open:   m.toggle("open"),
			drinks: m.texts("drinks", "a short drink", 2, short),
			secret: m.secret("secret", "a secret of 3 bytes or more", func(s string) bool { return len(s) >= 3 }),
		}
		for _, table := range m.mappings("tables", 2) {
			into.tables = append(into.tables, table.text("wood", "a wood", short))
			table.done()
		}
		into.waiters = map[string]int{}
		for _, waiter := range m.dictionary("waiters", "a short name", 2, short) {
			into.waiters[waiter.name] = waiter.number("age", 30, 18, 99)
			waiter.done()
		}
		if terrace := m.mapping("terrace"); terrace != nil {
			into.terraces = true
			terrace.done()
		}
		m.done()
	}}
}

func readBar(t *testing.T, content string) (bar, error) {
	t.Helper()
	var got bar
	_, err := parse([]string{"--config", writeFile(t, content)}, sources{sections: []section{barSection(&got)}}, io.Discard)
	return got, err
}

func TestSectionIsReadWhole(t *testing.T) {
	got, err := readBar(t, `
ping_interval: 3s
bar:
  name: Ritz
  stools: 0x7
  opens: 5h30m
  open: true
  drinks: [tea, "7"]
  secret_file: `+writeFile(t, "s p y\n")+`
  tables:
    - wood: &best oak
    - {wood: *best}
  waiters:
    Ann: {age: 41}
    Bob: {}
  terrace: {}
`)
	want := bar{"Ritz", 7, 5*time.Hour + 30*time.Minute, true, []string{"tea", "7"}, "s p y", []string{"oak", "oak"}, map[string]int{"Ann": 41, "Bob": 30}, true}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestSectionMayLeaveOutAll(t *testing.T) {
	for _, content := range []string{"bar: {}\n", "# nothing\n"} {
		got, err := readBar(t, content)
		if err != nil || got.name != "" || got.terraces {
			t.Errorf("%q: %+v, %v", content, got, err)
		}
	}
}

func TestSectionRefusalNamesLineKeyValueAndWhatIsAllowed(t *testing.T) {
	for _, tt := range []struct {
		name, content string
		want          []string
		not           string
	}{
		{name: "value of a section", content: "bar: 3", want: []string{":1: bar: ", `"3" (number)`, "keys below it"}},
		{name: "nothing in a section", content: "bar:", want: []string{":1: bar: ", "nothing", "keys below it, or {}"}},
		{name: "list for a section", content: "bar: [a]", want: []string{":1: bar: a list; want keys"}},
		{name: "unknown key", content: "bar:\n  nam: x", want: []string{":2: bar.nam: ", `"x": unknown key`, "allowed: name, stools, opens"}},
		{name: "unknown key with a secret", content: "bar:\n  api_key: hunter2", want: []string{":2: bar.api_key: ", `"***"`, "unknown"}, not: "hunter2"},
		{name: "key twice", content: "bar:\n  name: a\n  name: b", want: []string{":3: bar.name: ", `"b": given twice`, "once"}},
		{name: "key that is a list", content: "bar:\n  ? [a]\n  : b", want: []string{":2: bar: ", "a list as a key"}},
		{name: "number for a text", content: "bar:\n  name: 3", want: []string{":2: bar.name: ", `"3" (number); want a short name`}},
		{name: "text that is not allowed", content: "bar:\n  name: Waldorf Astoria", want: []string{":2: bar.name: ", `"Waldorf Astoria" (text); want a short name`}},
		{name: "text for a number", content: "bar:\n  stools: \"3\"", want: []string{":2: bar.stools: ", `"3" (text)`, "from 1 to 9"}},
		{name: "number too high", content: "bar:\n  stools: 10", want: []string{":2: bar.stools: ", `"10" (number)`, "from 1 to 9"}},
		{name: "number beyond all", content: "bar:\n  stools: 99999999999999999999", want: []string{":2: bar.stools: ", "from 1 to 9"}},
		{name: "duration without unit", content: "bar:\n  opens: 30", want: []string{":2: bar.opens: ", `"30" (number)`, "from 1m0s to 24h0m0s"}},
		{name: "duration too short", content: "bar:\n  opens: 1s", want: []string{":2: bar.opens: ", `"1s" (text)`, "from 1m0s"}},
		{name: "text for a switch", content: "bar:\n  open: sure", want: []string{":2: bar.open: ", `"sure" (text); want true or false`}},
		{name: "text for a list", content: "bar:\n  drinks: tea", want: []string{":2: bar.drinks: ", `"tea" (text)`, "up to 2 texts, each a short drink"}},
		{name: "list too long", content: "bar:\n  drinks: [a, b, c]", want: []string{":2: bar.drinks: a list; want a list of up to 2"}},
		{name: "item of another type", content: "bar:\n  drinks:\n    - tea\n    - 7", want: []string{":4: bar.drinks[1]: ", `"7" (number); want a short drink`}},
		{name: "short secret", content: "bar:\n  secret: hu", want: []string{":2: bar.secret: ", `"***"; want a secret of 3`}, not: `"hu"`},
		{name: "number as secret", content: "bar:\n  secret: 12345", want: []string{":2: bar.secret: ", `"***"`}, not: "12345"},
		{name: "secret twice", content: "bar:\n  secret: hunter2\n  secret_file: testdata/cluster_key", want: []string{":3: bar.secret_file: ", "testdata/cluster_key", "not both"}, not: "hunter2"},
		{name: "file of a secret that is missing", content: "bar:\n  secret_file: /does/not/exist", want: []string{":2: bar.secret_file: ", `"/does/not/exist"`, "no such file"}},
		{name: "file of a secret that is short", content: "bar:\n  secret_file: testdata/short", want: []string{":2: bar.secret_file: ", `"testdata/short"`, "3 bytes or more"}, not: "hu"},
		{name: "mapping for a list", content: "bar:\n  tables: {wood: oak}", want: []string{":2: bar.tables: a mapping; want a list of up to 2"}},
		{name: "mistake in an item", content: "bar:\n  tables:\n    - wood: oak\n    - wood: [a]", want: []string{":4: bar.tables[1].wood: a list; want a wood"}},
		{name: "unknown key in an item", content: "bar:\n  tables:\n    - leg: 4", want: []string{":3: bar.tables[0].leg: ", "allowed: wood"}},
		{name: "item that is no mapping", content: "bar:\n  tables: [oak]", want: []string{":2: bar.tables[0]: ", "keys below it"}},
		{name: "name that is not allowed", content: "bar:\n  waiters:\n    Maximilian: {}", want: []string{":3: bar.waiters: ", `"Maximilian"; want a short name`}},
		{name: "too many names", content: "bar:\n  waiters: {A: {}, B: {}, C: {}}", want: []string{":2: bar.waiters: ", "up to 2 names"}},
		{name: "mistake below a name", content: "bar:\n  waiters:\n    Ann: {age: 7}", want: []string{":3: bar.waiters.Ann.age: ", `"7" (number)`, "from 18 to 99"}},
		{name: "unknown section", content: "bra: {}", want: []string{":1: bra: ", "unknown key", "bar"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readBar(t, tt.content)
			if err == nil {
				t.Fatal("it was taken")
			}
			line := oneLine(err)
			for _, part := range tt.want {
				if !strings.Contains(line, part) {
					t.Errorf("%q does not name %q", line, part)
				}
			}
			if tt.not != "" && strings.Contains(line, tt.not) {
				t.Errorf("%q shows %q", line, tt.not)
			}
		})
	}
}

func TestFirstMistakeOfAFileIsTold(t *testing.T) {
	_, err := readBar(t, "bar:\n  name: 1\n  stools: x\n")
	if err == nil || !strings.Contains(err.Error(), ":2: bar.name") {
		t.Errorf("%v", err)
	}
}

// TestSecretsInArgumentsAreWarnedOf: they are in the list of processes.
func TestSecretsInArgumentsAreWarnedOf(t *testing.T) {
	key, url, debug := "--cluster-key=0123456789abcdef", "--redis-url=redis://:hunter2@h", "--debug-key=hunter2hunter2hunter2"
	for _, tt := range []struct {
		name string
		args []string
		env  []string
		want []string // flags
	}{
		{"all", []string{key, url, debug}, nil, []string{"--cluster-key ", "--debug-key ", "--redis-url "}},
		{"URL without a password", []string{"--redis-url=redis://h"}, []string{"GATEWAY_CLUSTER_KEY=0123456789abcdef"}, nil},
		{"files", []string{"--cluster-key-file=testdata/cluster_key", "--redis-url-file=testdata/redis_url"}, nil, nil},
		{"own machine", []string{key, url, debug, "--dev"}, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if status := run(t.Context(), append([]string{"check-config"}, tt.args...), tt.env, &stdout, &stderr); status != exitOK {
				t.Fatalf("exit status %d, %q", status, stderr.String())
			}
			lines := slices.Collect(strings.Lines(stderr.String()))
			if len(lines) != len(tt.want) {
				t.Fatalf("%q, want a line for each of %q", lines, tt.want)
			}
			for i, line := range lines {
				if !strings.Contains(line, tt.want[i]) || !strings.Contains(line, "-file") || strings.Contains(line, "hunter2") {
					t.Errorf("%q, want one about %q", line, tt.want[i])
				}
			}
		})
	}
}
