package deploy

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

// Kubernetes' own admission lets the pods in where the namespace says "restricted".
func TestPodsMeetTheRestrictedStandard(t *testing.T) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	forEveryOverlay(t, func(t *testing.T, m manifests) {
		for _, d := range all[appsv1.Deployment](m) {
			pod := d.Spec.Template
			for _, result := range evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec) {
				if !result.Allowed {
					t.Errorf("%s: %s: %s", d.Name, result.ForbiddenReason, result.ForbiddenDetail)
				}
			}
			for _, c := range pod.Spec.Containers {
				if s := c.SecurityContext; s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem {
					t.Errorf("%s can write to its root", c.Name)
				}
			}
			if mounted := pod.Spec.AutomountServiceAccountToken; mounted == nil || *mounted {
				t.Errorf("%s gets a token", d.Name)
			}
		}
		for _, ns := range all[corev1.Namespace](m) {
			if ns.Labels["pod-security.kubernetes.io/enforce"] != string(api.LevelRestricted) {
				t.Errorf("namespace %s enforces %v", ns.Name, ns.Labels)
			}
		}
	})
}

// The pods' user is the image's, which is not root.
func TestPodsRunAsTheImagesUser(t *testing.T) {
	user := regexp.MustCompile(`(?m)^USER (\d+):(\d+)$`).FindStringSubmatch(read(t, "Dockerfile"))
	if user == nil {
		t.Fatal("the Dockerfile names no user by number")
	}
	d, _ := theGateway(t, built(t, "overlays/production"))
	if s := d.Spec.Template.Spec.SecurityContext; fmt.Sprint(*s.RunAsUser) != user[1] || fmt.Sprint(*s.RunAsGroup) != user[2] {
		t.Errorf("pods run as %d:%d, the image as %s:%s", *s.RunAsUser, *s.RunAsGroup, user[1], user[2])
	}
}

func TestEverythingIsDeniedButWhatIsNeeded(t *testing.T) {
	forEveryOverlay(t, func(t *testing.T, m manifests) {
		deny := one[networkingv1.NetworkPolicy](t, m, "default-deny").Spec
		if len(deny.PodSelector.MatchLabels)+len(deny.PodSelector.MatchExpressions)+len(deny.Ingress)+len(deny.Egress) > 0 ||
			!slices.Equal(deny.PolicyTypes, []networkingv1.PolicyType{networkingv1.PolicyTypeIngress, networkingv1.PolicyTypeEgress}) {
			t.Errorf("default-deny denies %+v only", deny)
		}
		_, c := theGateway(t, m)
		in, out := letThrough(t, m)
		if want := []string{"TCP " + portNamed(t, c, "http"), "TCP " + portNamed(t, c, "internal")}; !slices.Equal(in, want) {
			t.Errorf("let in: %v, want %v", in, want)
		}
		for _, needed := range []string{"TCP " + portNamed(t, c, "internal"), "UDP 53", "TCP 6379"} {
			if !slices.Contains(out, needed) {
				t.Errorf("let out: %v, without %s", out, needed)
			}
		}
	})
}

// letThrough are the ports on which the policies let something in to the gateway's pods,
// and out of them.
func letThrough(t *testing.T, m manifests) (in, out []string) {
	t.Helper()
	d, _ := theGateway(t, m)
	for _, p := range all[networkingv1.NetworkPolicy](m) {
		selector := labels.SelectorFromSet(p.Spec.PodSelector.MatchLabels)
		if p.Name == "default-deny" || !selector.Matches(labels.Set(d.Spec.Template.Labels)) {
			continue
		}
		for _, rule := range p.Spec.Ingress {
			in = append(in, portsOf(t, rule.From, rule.Ports)...)
		}
		for _, rule := range p.Spec.Egress {
			out = append(out, portsOf(t, rule.To, rule.Ports)...)
		}
	}
	slices.Sort(in)
	return in, out
}

// Keys come over https, and a gateway that fetches none reaches no such server.
func TestOnlyWhoFetchesKeysIsLetOutToThem(t *testing.T) {
	for _, dir := range append([]string{"testdata/jwks"}, overlays...) {
		m := built(t, dir)
		fetches := false
		for _, config := range all[corev1.ConfigMap](m) {
			fetches = fetches || regexp.MustCompile(`(?m)^[^#]*\bjwks_url:`).MatchString(config.Data["gateway.yaml"])
		}
		if fetches != (dir == "testdata/jwks") {
			t.Fatalf("%s has a jwks_url: %v", dir, fetches)
		}
		if _, out := letThrough(t, m); slices.Contains(out, "TCP 443") != fetches {
			t.Errorf("%s has a jwks_url: %v, and is let out to %v", dir, fetches, out)
		}
	}
	in, _ := letThrough(t, built(t, "testdata/jwks"))
	if before, _ := letThrough(t, built(t, "overlays/production")); !slices.Equal(in, before) {
		t.Errorf("the component lets in %v, it was %v without", in, before)
	}
}

// The component api lets backends reach the API, with a key that the gateway finds where its
// configuration says, and opens nothing else.
func TestBackendsReachTheAPIWithTheirKey(t *testing.T) {
	m := built(t, "testdata/api")
	d, c := theGateway(t, m)
	config := mountedConfig(t, m, c, "/etc/gateway/"+confName)
	found := regexp.MustCompile(`key_file: ([^,}\s]+)`).FindStringSubmatch(config)
	if found == nil {
		t.Fatalf("no key in %s", config)
	}
	mounted := false
	for _, mount := range c.VolumeMounts {
		for _, v := range d.Spec.Template.Spec.Volumes {
			if v.Name != mount.Name || v.Secret == nil || v.Secret.SecretName != "gateway-secrets" {
				continue
			}
			for _, item := range v.Secret.Items {
				mounted = mounted || path.Join(mount.MountPath, item.Path) == found[1] && mount.ReadOnly
			}
		}
	}
	if !mounted {
		t.Errorf("no Secret is mounted at %s", found[1])
	}
	service := one[corev1.Service](t, m, "gateway-api")
	selects(t, "Service gateway-api", &metav1.LabelSelector{MatchLabels: service.Spec.Selector}, d.Spec.Template.Labels)
	if port := service.Spec.Ports[0].TargetPort.StrVal; port != "internal" {
		t.Errorf("Service gateway-api leads to the port %s", port)
	}
	for _, monitor := range all[monitoringv1.ServiceMonitor](m) {
		if labels.SelectorFromSet(monitor.Spec.Selector.MatchLabels).Matches(labels.Set(service.Labels)) {
			t.Errorf("ServiceMonitor %s finds the nodes a second time, by gateway-api", monitor.Name)
		}
	}
	before, out := letThrough(t, built(t, "overlays/production"))
	in, outNow := letThrough(t, m)
	want := append(slices.Clone(before), "TCP "+portNamed(t, c, "internal"))
	slices.Sort(want)
	if !slices.Equal(in, want) || !slices.Equal(out, outNow) {
		t.Errorf("the component lets in %v and out %v; it was %v and %v without", in, outNow, before, out)
	}
}

// portsOf spells the ports of a rule, which must say who and which.
func portsOf(t *testing.T, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) (spelt []string) {
	t.Helper()
	if len(peers) == 0 || len(ports) == 0 {
		t.Errorf("a rule for everybody or every port: %v %v", peers, ports)
	}
	for _, p := range ports {
		spelt = append(spelt, fmt.Sprintf("%s %s", *p.Protocol, p.Port.String()))
	}
	return spelt
}

func TestSecretsAreNamedAndNotIncluded(t *testing.T) {
	m := built(t, "overlays/production")
	if n := len(all[corev1.Secret](m)); n > 0 {
		t.Errorf("production includes %d secrets", n)
	}
	_, c := theGateway(t, m)
	for _, e := range c.Env {
		secret := regexp.MustCompile("KEY|SECRET|TOKEN|PASSWORD|REDIS_URL").MatchString(e.Name)
		if byName := e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil; secret != byName {
			t.Errorf("%s comes from a Secret: %v", e.Name, byName)
		}
	}
	dev := built(t, "overlays/dev")
	_, c = theGateway(t, dev)
	for _, e := range c.Env {
		if e.ValueFrom == nil || e.ValueFrom.SecretKeyRef == nil {
			continue
		}
		ref := e.ValueFrom.SecretKeyRef
		if len(one[corev1.Secret](t, dev, ref.Name).Data[ref.Key]) == 0 {
			t.Errorf("%s: the Secret has no %s", e.Name, ref.Key)
		}
	}
}

// A key that is public says so.
func TestPublicKeysAreCalledDevelopmentKeys(t *testing.T) {
	key := regexp.MustCompile(`(?i)cluster[_-]key(?:=|: (?:\$\{GATEWAY_CLUSTER_KEY:-)?)([^\s}]+)`)
	found := 0
	err := filepath.WalkDir(".", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		for _, m := range key.FindAllStringSubmatch(read(t, filepath.Join("deploy", path)), -1) {
			found++
			if !strings.HasPrefix(m[1], "development-key-") {
				t.Errorf("%s has the key %s", path, m[1])
			}
		}
		return nil
	})
	if err != nil || found == 0 {
		t.Errorf("%d keys found, %v", found, err)
	}
	if m := key.FindStringSubmatch(read(t, "docker-compose.yml")); m == nil || !strings.HasPrefix(m[1], "development-key-") {
		t.Errorf("docker-compose.yml has the key %v", m)
	}
}
