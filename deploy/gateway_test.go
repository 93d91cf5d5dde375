package deploy

import (
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// What pods get from Kubernetes and from Secrets, for the gateway's parser.
const (
	podIP    = "10.244.1.7"
	aSecret  = "a secret of more than 16 bytes"
	aRedis   = "rediss://user:password@redis.example.com:6380"
	confName = "gateway.yaml"
)

// environment is what the container gets, and the directory that stands for its
// mounted configuration.
func environment(t *testing.T, m manifests, c corev1.Container) (environ []string, config string) {
	t.Helper()
	config = filepath.Join(t.TempDir(), confName)
	for _, e := range c.Env {
		value := strings.ReplaceAll(e.Value, "$(POD_IP)", podIP)
		switch from := e.ValueFrom; {
		case e.Name == "GATEWAY_CONFIG":
			mounted := mountedConfig(t, m, c, value)
			if err := os.WriteFile(config, []byte(mounted), 0o600); err != nil {
				t.Fatal(err)
			}
			value = config
		case from == nil:
		case from.FieldRef != nil && from.FieldRef.FieldPath == "status.podIP":
			value = podIP
		case from.SecretKeyRef != nil && from.SecretKeyRef.Key == "redis-url":
			value = aRedis
		case from.SecretKeyRef != nil && from.SecretKeyRef.Key == "cluster-key":
			value = aSecret
		default:
			t.Errorf("%s comes from %v", e.Name, from)
		}
		environ = append(environ, e.Name+"="+value)
	}
	return environ, config
}

// mountedConfig is the content of the ConfigMap's file that is at a path in the container.
func mountedConfig(t *testing.T, m manifests, c corev1.Container, at string) string {
	t.Helper()
	d, _ := theGateway(t, m)
	for _, mount := range c.VolumeMounts {
		for _, v := range d.Spec.Template.Spec.Volumes {
			if v.Name == mount.Name && v.ConfigMap != nil && path.Dir(at) == mount.MountPath {
				return one[corev1.ConfigMap](t, m, v.ConfigMap.Name).Data[path.Base(at)]
			}
		}
	}
	t.Fatalf("nothing is mounted at %s", at)
	return ""
}

// configured is the file as its overlay has it.
func configured(t *testing.T, m manifests) (settings struct {
	InternalListen string `json:"internal_listen"`
	DrainDelay     string `json:"drain_delay"`
	DrainWindow    string `json:"drain_window"`
}) {
	t.Helper()
	_, c := theGateway(t, m)
	_, file := environment(t, m, c)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &settings); err != nil {
		t.Fatal(err)
	}
	return settings
}

// The strict parser of the gateway knows each variable and each key of the file, and
// takes each value.
func TestGatewayTakesTheManifestsSettings(t *testing.T) {
	forEveryOverlay(t, func(t *testing.T, m manifests) {
		_, c := theGateway(t, m)
		if len(c.Command) > 0 {
			t.Errorf("command %v: the image's entry point is the gateway", c.Command)
		}
		environ, _ := environment(t, m, c)
		if out, err := gateway(t, environ, append([]string{"check-config"}, c.Args...)...); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	})
}

func TestNodesAdvertiseThePodAndItsInternalPort(t *testing.T) {
	forEveryOverlay(t, func(t *testing.T, m manifests) {
		_, c := theGateway(t, m)
		port := portNamed(t, c, "internal")
		environ, _ := environment(t, m, c)
		found := false
		for _, e := range environ {
			name, value, _ := strings.Cut(e, "=")
			if name == "GATEWAY_ADVERTISE" {
				found = true
				if want := podIP + ":" + port; value != want {
					t.Errorf("%s is %s, want %s", name, value, want)
				}
			}
		}
		if !found {
			t.Error("no GATEWAY_ADVERTISE")
		}
		for i, e := range c.Env { // a variable is known to those after it
			if e.Name == "POD_IP" {
				break
			}
			if strings.Contains(e.Value, "$(POD_IP)") {
				t.Errorf("variable %d uses POD_IP before it is defined", i)
			}
		}
		if got := configured(t, m).InternalListen; got != ":"+port {
			t.Errorf("internal_listen is %s, the port %s", got, port)
		}
	})
}

func TestGracePeriodOutlastsTheDrain(t *testing.T) {
	slack := stopSlack(t)
	forEveryOverlay(t, func(t *testing.T, m manifests) {
		d, c := theGateway(t, m)
		s := configured(t, m)
		delay, window := duration(t, s.DrainDelay), duration(t, s.DrainWindow)
		grace := time.Duration(*d.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
		if most := delay + window + slack; grace <= most || grace > most+15*time.Second {
			t.Errorf("%v of grace for a stop that takes up to %v", grace, most)
		}
		r := c.ReadinessProbe
		if notReady := time.Duration(r.PeriodSeconds*r.FailureThreshold) * time.Second; notReady >= delay {
			t.Errorf("the readiness probe fails after %v, the delay is %v", notReady, delay)
		}
	})
}
