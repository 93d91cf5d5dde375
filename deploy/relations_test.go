package deploy

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

func portNamed(t *testing.T, c corev1.Container, name string) string {
	t.Helper()
	for _, p := range c.Ports {
		if p.Name == name {
			return strconv.Itoa(int(p.ContainerPort))
		}
	}
	t.Fatalf("%s has no port %s", c.Name, name)
	return ""
}

func selects(t *testing.T, what string, s *metav1.LabelSelector, set map[string]string) {
	t.Helper()
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if selector.Empty() || !selector.Matches(labels.Set(set)) {
		t.Errorf("%s selects %v, the pods have %v", what, selector, set)
	}
}

func TestSelectorsMatchThePods(t *testing.T) {
	forEveryOverlay(t, func(t *testing.T, m manifests) {
		for _, d := range all[appsv1.Deployment](m) {
			pod := d.Spec.Template.Labels
			selects(t, "Deployment "+d.Name, d.Spec.Selector, pod)
			for _, s := range d.Spec.Template.Spec.TopologySpreadConstraints {
				selects(t, "spread of "+d.Name, s.LabelSelector, pod)
			}
			for _, s := range all[corev1.Service](m) {
				serves := labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(pod))
				if of := strings.HasPrefix(s.Name, d.Name); of != serves {
					t.Errorf("Service %s selects the pods of %s: %v", s.Name, d.Name, serves)
				}
				for _, p := range s.Spec.Ports {
					if serves {
						portNamed(t, d.Spec.Template.Spec.Containers[0], p.TargetPort.StrVal)
					}
				}
			}
		}
		d, _ := theGateway(t, m)
		selects(t, "PodDisruptionBudget", one[policyv1.PodDisruptionBudget](t, m, "gateway").Spec.Selector, d.Spec.Template.Labels)
	})
}

func TestEveryObjectIsInTheNamespace(t *testing.T) {
	forEveryOverlay(t, func(t *testing.T, m manifests) {
		d, _ := theGateway(t, m)
		if d.Namespace == "" {
			t.Fatal("no namespace")
		}
		for _, o := range m.objects {
			if _, is := o.(*corev1.Namespace); is {
				continue
			}
			if ns := o.(metav1.Object).GetNamespace(); ns != d.Namespace {
				t.Errorf("%T %s is in %q", o, o.(metav1.Object).GetName(), ns)
			}
		}
	})
}

// The paths and ports of probes are those on which a gateway answers.
func TestProbesAskWhatTheGatewayServes(t *testing.T) {
	internal := startGateway(t)
	forEveryOverlay(t, func(t *testing.T, m manifests) {
		_, c := theGateway(t, m)
		for name, probe := range map[string]*corev1.Probe{"startup": c.StartupProbe, "readiness": c.ReadinessProbe, "liveness": c.LivenessProbe} {
			if probe == nil || probe.HTTPGet == nil || probe.HTTPGet.Port.StrVal != "internal" {
				t.Fatalf("%s: no probe of the port internal", name)
			}
			if status := get(t, internal+probe.HTTPGet.Path, nil); status != http.StatusOK {
				t.Errorf("%s: GET %s: %d", name, probe.HTTPGet.Path, status)
			}
		}
		if c.LivenessProbe.HTTPGet.Path == c.ReadinessProbe.HTTPGet.Path {
			t.Error("a node that drains would be killed: liveness and readiness ask the same")
		}
	})
}

// get returns the status of an answer, and its JSON in into.
func get(t *testing.T, url string, into any) int {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get(url)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	if into != nil && response.StatusCode == http.StatusOK {
		if err := json.NewDecoder(response.Body).Decode(into); err != nil {
			t.Errorf("GET %s: %v", url, err)
		}
	}
	return response.StatusCode
}

func TestHeapFitsIntoTheMemoryLimit(t *testing.T) {
	forEveryOverlay(t, func(t *testing.T, m manifests) {
		_, c := theGateway(t, m)
		limit := float64(c.Resources.Limits.Memory().Value())
		for _, e := range c.Env {
			if e.Name != "GOMEMLIMIT" {
				continue
			}
			heap := resource.MustParse(strings.TrimSuffix(e.Value, "B")) // Go's MiB is Mi
			if share := float64(heap.Value()) / limit; share < 0.8 || share > 0.9 {
				t.Errorf("GOMEMLIMIT=%s is %.0f %% of the limit, %s", e.Value, 100*share, c.Resources.Limits.Memory())
			}
			return
		}
		t.Error("no GOMEMLIMIT")
	})
}

// Requests reach all nodes in turn, and a connection may be silent for as long as the
// gateway allows.
func TestIngressKeepsNobodyOnOneNode(t *testing.T) {
	m := built(t, "overlays/production")
	ingress := one[networkingv1.Ingress](t, m, "gateway")
	for name, value := range ingress.Annotations {
		for _, word := range []string{"affinity", "cookie", "sticky", "hash"} {
			if strings.Contains(name, word) {
				t.Errorf("%s: %s", name, value)
			}
		}
	}
	for _, s := range all[corev1.Service](m) {
		if s.Spec.SessionAffinity != "" && s.Spec.SessionAffinity != corev1.ServiceAffinityNone {
			t.Errorf("Service %s has affinity %s", s.Name, s.Spec.SessionAffinity)
		}
	}
	const nginx = "nginx.ingress.kubernetes.io/"
	for _, name := range []string{"proxy-read-timeout", "proxy-send-timeout"} {
		if seconds := duration(t, ingress.Annotations[nginx+name]+"s"); seconds <= silence(t) {
			t.Errorf("%s is %v, the gateway allows %v", name, seconds, silence(t))
		}
	}
	body := resource.MustParse(strings.ToUpper(ingress.Annotations[nginx+"proxy-body-size"]) + "i") // nginx's m is Mi
	if payload := resource.MustParse(settings(t)["max-payload"]); body.Cmp(payload) < 0 {
		t.Errorf("proxy-body-size is %d bytes, max-payload %d", body.Value(), payload.Value())
	}
	tls := map[string]bool{}
	for _, entry := range ingress.Spec.TLS {
		for _, host := range entry.Hosts {
			tls[host] = entry.SecretName != ""
		}
	}
	for _, rule := range ingress.Spec.Rules {
		if !tls[rule.Host] {
			t.Errorf("no certificate for %s", rule.Host)
		}
		for _, p := range rule.HTTP.Paths {
			if p.Path != settings(t)["path"] {
				t.Errorf("path %s, the gateway serves %s", p.Path, settings(t)["path"])
			}
			backend := p.Backend.Service
			found := false
			for _, port := range one[corev1.Service](t, m, backend.Name).Spec.Ports {
				found = found || port.Name == backend.Port.Name && port.TargetPort.StrVal == "http"
			}
			if !found {
				t.Errorf("%s has no port %s for clients", backend.Name, backend.Port.Name)
			}
		}
	}
}
