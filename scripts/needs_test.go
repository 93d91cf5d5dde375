// Package scripts holds the scripts to what they say they do.
package scripts

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// machine is one with certain programs, on which test-needs runs without changing
// anything: what would is a fake that writes down how it was called.
type machine struct {
	t   *testing.T
	dir string
}

// newMachine has what the script itself needs, and the needs named.
func newMachine(t *testing.T, has ...string) *machine {
	t.Helper()
	m := &machine{t, t.TempDir()}
	for _, name := range []string{"bash", "env", "dirname"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(m.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range has {
		m.fake(name, "")
	}
	return m
}

// fake puts a program there that does what the lines of bash say.
func (m *machine) fake(name, lines string) {
	m.t.Helper()
	if err := os.WriteFile(filepath.Join(m.dir, name), []byte("#!"+filepath.Join(m.dir, "bash")+"\n"+lines+"\n"), 0o755); err != nil {
		m.t.Fatal(err)
	}
}

// debian makes it one of Debian's, with a user who may install. What is installed is
// there afterwards, but for the packages named, which cannot be had.
func (m *machine) debian(lacks ...string) {
	m.t.Helper()
	m.fake("id", "echo 0")
	m.fake("sh", "while read -r _; do :; done") // writes policy-rc.d
	m.fake("rm", "")
	m.fake("systemctl", "")
	m.fake("apt-get", `echo "apt-get $*" >>"`+m.dir+`/calls"
for lacks in `+strings.Join(lacks, " ")+`; do
  case " $* " in *" $lacks "*) exit 100 ;; esac
done
[ "$1" = install ] || exit 0
for package; do
  case $package in
    prometheus) programs="prometheus promtool" ;;
    nodejs) programs=node ;;
    npm) continue ;; # or the script would go on to use it
    *) programs=$package ;;
  esac
  for program in $programs; do : >"`+m.dir+`/$program"; /bin/chmod 755 "`+m.dir+`/$program"; done
done`)
}

// run returns what the script says, by line, and what was asked of apt-get.
func (m *machine) run() (said, calls []string) {
	m.t.Helper()
	cmd := exec.CommandContext(m.t.Context(), filepath.Join(m.dir, "bash"), "test-needs")
	cmd.Env = []string{"PATH=" + m.dir}
	out, err := cmd.CombinedOutput()
	if err != nil {
		m.t.Fatalf("%v\n%s", err, out)
	}
	log, _ := os.ReadFile(filepath.Join(m.dir, "calls"))
	return strings.Split(strings.TrimSpace(string(out)), "\n"), strings.Split(strings.TrimSpace(string(log)), "\n")
}

var allButPrometheus = []string{"gcc", "redis-server", "haproxy", "chromium", "node", "python3"}

const (
	installs = "apt-get install -y -qq --no-install-recommends "
	noEngine = "exit 1"
	// engineAlone is an engine without the second generation of Compose.
	engineAlone = `[ "$1" = info ]`
	// engineAndCompose is one with it.
	engineAndCompose = "exit 0"
)

func TestNeedsAreInstalledWhereTheyAreMissing(t *testing.T) {
	for name, tt := range map[string]struct {
		docker string
		has    []string
		want   string
	}{
		"Prometheus, no engine":          {noEngine, nil, "npm prometheus"},
		"Prometheus is half there":       {noEngine, []string{"promtool"}, "npm prometheus"},
		"an engine alone":                {engineAlone, nil, "npm prometheus docker-compose"},
		"an engine and docker-compose":   {engineAlone, []string{"docker-compose"}, "npm prometheus"},
		"an engine and docker compose":   {engineAndCompose, nil, "npm prometheus"},
		"an engine, Prometheus is there": {engineAlone, []string{"promtool", "prometheus"}, "npm docker-compose"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, append(tt.has, allButPrometheus...)...)
			m.debian()
			m.fake("docker", tt.docker)
			said, calls := m.run()
			if want := []string{"apt-get update -qq", installs + tt.want}; !slices.Equal(calls, want) {
				t.Errorf("calls: %q, want %q", calls, want)
			}
			// The fake npm never comes.
			if len(said) != 2 || said[0] != "installing "+tt.want || !strings.HasPrefix(said[1], "missing: npm, ") {
				t.Errorf("said: %q", said)
			}
		})
	}
}

func TestNeedThatCannotBeHadKeepsNoOtherAway(t *testing.T) {
	m := newMachine(t, allButPrometheus...)
	m.debian("prometheus")
	m.fake("docker", engineAlone)
	said, calls := m.run()
	for _, want := range []string{installs + "npm", installs + "prometheus", installs + "docker-compose"} {
		if !slices.Contains(calls, want) {
			t.Errorf("calls: %q, without %q", calls, want)
		}
	}
	if all := strings.Join(said, "\n"); !strings.Contains(all, "prometheus could not be installed") ||
		!strings.Contains(all, "missing: promtool, for the alert rules") || strings.Contains(all, "missing: docker-compose") {
		t.Errorf("said: %q", said)
	}
}

func TestWhoMayNotInstallIsToldWhatIsMissing(t *testing.T) {
	for name, tt := range map[string]struct {
		debian bool
		want   string
	}{
		"Debian":         {true, "(apt-get install prometheus)"},
		"another system": {false, "(from the packages of your system; Debian calls it prometheus)"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t, append([]string{"prometheus"}, allButPrometheus...)...)
			m.fake("id", "echo 1000")
			m.fake("docker", noEngine)
			if tt.debian {
				m.fake("apt-get", "exit 100")
			}
			said, _ := m.run()
			if len(said) != 2 || said[1] != "missing: promtool, for the alert rules and the dashboard. What needs it will be skipped "+tt.want {
				t.Errorf("said: %q", said)
			}
		})
	}
}
