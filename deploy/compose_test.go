package deploy

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// composeFile is docker-compose.yml as far as the tests look at it.
type composeFile struct {
	Services map[string]struct {
		Image           string            `json:"image"`
		Build           any               `json:"build"`
		Environment     map[string]string `json:"environment"`
		StopGracePeriod string            `json:"stop_grace_period"`
		Volumes         []string          `json:"volumes"`
		ReadOnly        bool              `json:"read_only"`
	} `json:"services"`
}

// compose reads the file with the defaults of its variables.
func compose(t *testing.T) composeFile {
	t.Helper()
	text := regexp.MustCompile(`\$\{\w+:-([^}]*)\}`).ReplaceAllString(read(t, "docker-compose.yml"), "$1")
	var file composeFile
	if err := yaml.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	return file
}

// nodes are the names of the services that are gateways.
func (f composeFile) nodes(t *testing.T) (names []string) {
	t.Helper()
	for name, s := range f.Services {
		if s.Build != nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) != 3 {
		t.Fatalf("want three gateways, there are %v", names)
	}
	return names
}

// The strict parser of the gateway knows each variable and takes each value, with each
// file that GATEWAY_ACCESS may name.
func TestGatewayTakesTheSettingsOfCompose(t *testing.T) {
	file, here := compose(t), t.TempDir()
	for _, secret := range []string{"token_secret", "api_key"} {
		if err := os.WriteFile(filepath.Join(here, secret), []byte(strings.Repeat("x", 32)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, access := range []string{"demo", "tokens"} {
		text := strings.ReplaceAll(read(t, "deploy/compose/gateway/"+access+".yaml"), "/run/secrets", here)
		if err := os.WriteFile(filepath.Join(here, access+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range file.nodes(t) {
		var environ []string
		for k, v := range file.Services[name].Environment {
			if k != "GATEWAY_CONFIG" {
				environ = append(environ, k+"="+v)
			}
		}
		if got := file.Services[name].Environment["GATEWAY_ADVERTISE"]; got != name+":9090" {
			t.Errorf("%s advertises %s", name, got)
		}
		for _, access := range []string{"demo", "tokens"} {
			if out, err := gateway(t, environ, "check-config", "--config", filepath.Join(here, access+".yaml")); err != nil {
				t.Errorf("%s, %s: %v: %s", name, access, err, out)
			}
		}
	}
}

// Who starts it without a word gets nodes that know whom they let in, and no others.
func TestComposeIsNoDevelopmentMode(t *testing.T) {
	file := compose(t)
	for _, name := range file.nodes(t) {
		s := file.Services[name]
		if dev := s.Environment["GATEWAY_DEV"]; dev != "false" {
			t.Errorf("%s: GATEWAY_DEV is %q", name, dev)
		}
		dir, demo := filepath.Split(s.Environment["GATEWAY_CONFIG"])
		if mount := "./deploy/compose/gateway:" + filepath.Clean(dir) + ":ro"; demo != "demo.yaml" || !slices.Contains(s.Volumes, mount) {
			t.Errorf("%s reads %s, of %v", name, demo, s.Volumes)
		}
	}
	var demo struct {
		Access struct {
			Keys       []any
			Namespaces map[string]struct {
				Anonymous struct{ Allow map[string][]string }
			}
		}
	}
	if err := yaml.Unmarshal([]byte(read(t, "deploy/compose/gateway/demo.yaml")), &demo); err != nil {
		t.Fatal(err)
	}
	allow := demo.Access.Namespaces["/"].Anonymous.Allow
	for _, what := range []string{"join", "leave", "publish"} {
		if !slices.Equal(allow[what], []string{"lobby", "demo:*"}) {
			t.Errorf("anyone may %s %v", what, allow[what])
		}
	}
}

func TestComposeWaitsForTheDrain(t *testing.T) {
	file := compose(t)
	for _, name := range file.nodes(t) {
		s := file.Services[name]
		delay, window := duration(t, s.Environment["GATEWAY_DRAIN_DELAY"]), duration(t, s.Environment["GATEWAY_DRAIN_WINDOW"])
		if most := delay + window + stopSlack(t); duration(t, s.StopGracePeriod) <= most {
			t.Errorf("%s is killed after %s, its stop takes up to %v", name, s.StopGracePeriod, most)
		}
		checks := regexp.MustCompile(`check port 9090 inter (\S+) fall 2 `).FindStringSubmatch(read(t, "deploy/compose/haproxy.cfg"))
		if checks == nil || 2*duration(t, checks[1]) >= delay {
			t.Errorf("HAProxy checks %v, %s goes on for %v", checks, name, delay)
		}
	}
}

// What is for backends, at the end of the file, may choose a node: these are no clients.
func TestBalancerKeepsNobodyOnOneNode(t *testing.T) {
	settings := regexp.MustCompile(`(?m)#.*$`).ReplaceAllString(read(t, "deploy/compose/haproxy.cfg"), "")
	settings, backends, found := strings.Cut(settings, "\nfrontend api\n")
	if !found || strings.Contains(backends, ":3000\n") {
		t.Fatal("the part for backends is not the last, or serves clients")
	}
	if m := regexp.MustCompile(`(?m)^\s*(cookie|stick|hash-type|balance (?:source|uri|hdr).*).*$`).FindString(settings); m != "" {
		t.Errorf("%s", m)
	}
	for _, name := range []string{"client", "server", "tunnel"} {
		m := regexp.MustCompile(`(?m)^\s*timeout ` + name + `\s+(\S+)$`).FindStringSubmatch(strings.ReplaceAll(settings, " \n", "\n"))
		if m == nil || duration(t, m[1]) <= silence(t) {
			t.Errorf("timeout %s is %v, the gateway allows %v of silence", name, m, silence(t))
		}
	}
}

// Balancer and Prometheus know the same nodes as docker-compose.yml, and every file that
// it mounts is there.
func TestComposeFilesNameTheSameNodes(t *testing.T) {
	file := compose(t)
	var scrape struct {
		ScrapeConfigs []struct {
			JobName       string `json:"job_name"`
			StaticConfigs []struct {
				Targets []string `json:"targets"`
			} `json:"static_configs"`
		} `json:"scrape_configs"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "deploy/compose/prometheus.yml")), &scrape); err != nil {
		t.Fatal(err)
	}
	var servers, apis, targets []string
	for _, m := range regexp.MustCompile(`(?m)^  server (\S+) (\S+):3000$`).FindAllStringSubmatch(read(t, "deploy/compose/haproxy.cfg"), -1) {
		servers = append(servers, m[2])
	}
	for _, m := range regexp.MustCompile(`(?m)^  server (\S+) (\S+):9090 track gateways/(\S+)$`).FindAllStringSubmatch(read(t, "deploy/compose/haproxy.cfg"), -1) {
		if apis = append(apis, m[2]); m[2] != m[3] {
			t.Errorf("the API of %s is there when %s is ready", m[2], m[3])
		}
	}
	for _, target := range scrape.ScrapeConfigs[0].StaticConfigs[0].Targets {
		targets = append(targets, strings.TrimSuffix(target, ":9090"))
	}
	if nodes := file.nodes(t); !slices.Equal(servers, nodes) || !slices.Equal(apis, nodes) || !slices.Equal(targets, nodes) {
		t.Errorf("nodes %v, balanced %v, with the API %v, scraped %v", nodes, servers, apis, targets)
	}
	for name, s := range file.Services {
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if _, err := os.Stat(filepath.Join(root, from)); strings.HasPrefix(from, ".") && err != nil {
				t.Errorf("%s mounts %v", name, err)
			}
		}
	}
}
