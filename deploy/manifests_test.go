package deploy

import (
	"path/filepath"
	"reflect"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// types are the kinds that the manifests may contain.
var types = map[metav1.TypeMeta]any{
	{APIVersion: "v1", Kind: "ConfigMap"}:                            corev1.ConfigMap{},
	{APIVersion: "v1", Kind: "Namespace"}:                            corev1.Namespace{},
	{APIVersion: "v1", Kind: "Secret"}:                               corev1.Secret{},
	{APIVersion: "v1", Kind: "Service"}:                              corev1.Service{},
	{APIVersion: "v1", Kind: "ServiceAccount"}:                       corev1.ServiceAccount{},
	{APIVersion: "apps/v1", Kind: "Deployment"}:                      appsv1.Deployment{},
	{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler"}:  autoscalingv2.HorizontalPodAutoscaler{},
	{APIVersion: "networking.k8s.io/v1", Kind: "Ingress"}:            networkingv1.Ingress{},
	{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"}:      networkingv1.NetworkPolicy{},
	{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"}:           policyv1.PodDisruptionBudget{},
	{APIVersion: "monitoring.coreos.com/v1", Kind: "ServiceMonitor"}: monitoringv1.ServiceMonitor{},
	{APIVersion: "monitoring.coreos.com/v1", Kind: "PrometheusRule"}: monitoringv1.PrometheusRule{},
	{APIVersion: "keda.sh/v1alpha1", Kind: "ScaledObject"}:           scaledObject{},
}

// scaledObject is KEDA's, as far as ours needs it: KEDA's own types bring most of
// Kubernetes with them. An unknown field is an error.
type scaledObject struct {
	metav1.TypeMeta
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		ScaleTargetRef  autoscalingv2.CrossVersionObjectReference  `json:"scaleTargetRef"`
		MinReplicaCount int32                                      `json:"minReplicaCount"`
		MaxReplicaCount int32                                      `json:"maxReplicaCount"`
		PollingInterval int32                                      `json:"pollingInterval"`
		Fallback        struct{ FailureThreshold, Replicas int32 } `json:"fallback"`
		Advanced        struct {
			HorizontalPodAutoscalerConfig struct {
				Behavior autoscalingv2.HorizontalPodAutoscalerBehavior `json:"behavior"`
			} `json:"horizontalPodAutoscalerConfig"`
		} `json:"advanced"`
		Triggers []struct {
			Type       string                                           `json:"type"`
			MetricType autoscalingv2.MetricTargetType                   `json:"metricType"`
			Metadata   struct{ ServerAddress, Query, Threshold string } `json:"metadata"`
		} `json:"triggers"`
	} `json:"spec"`
}

// manifests are what kubectl apply would send, decoded.
type manifests struct {
	name    string
	objects []any // pointers to the types above
}

// overlays are the directories that a user applies. testdata has the components that
// neither of them includes.
var overlays = []string{"overlays/dev", "overlays/production"}

// forEveryOverlay runs a test on each.
func forEveryOverlay(t *testing.T, test func(*testing.T, manifests)) {
	t.Helper()
	for _, dir := range overlays {
		t.Run(filepath.Base(dir), func(t *testing.T) { test(t, built(t, dir)) })
	}
}

// built is an overlay as kustomize makes it, each object decoded strictly: a field that
// its type does not have, or has twice, fails the test.
func built(t *testing.T, dir string) manifests {
	t.Helper()
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), filepath.Join("k8s", dir))
	if err != nil {
		t.Fatal(err)
	}
	m := manifests{name: dir}
	for _, resource := range made.Resources() {
		text, err := resource.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		var kind metav1.TypeMeta
		if err := yaml.Unmarshal(text, &kind); err != nil {
			t.Fatal(err)
		}
		known := types[kind]
		if known == nil {
			t.Fatalf("%s: no type for %v", dir, kind)
		}
		object := reflect.New(reflect.TypeOf(known)).Interface()
		if err := yaml.UnmarshalStrict(text, object); err != nil {
			t.Errorf("%s: %s %s: %v", dir, kind.Kind, resource.GetName(), err)
		}
		m.objects = append(m.objects, object)
	}
	return m
}

// all returns the objects of one type.
func all[T any](m manifests) (found []*T) {
	for _, o := range m.objects {
		if v, ok := o.(*T); ok {
			found = append(found, v)
		}
	}
	return found
}

// one returns the object of a type and a name, which must be there.
func one[T any](t *testing.T, m manifests, name string) *T {
	t.Helper()
	for _, o := range all[T](m) {
		if any(o).(metav1.Object).GetName() == name {
			return o
		}
	}
	t.Fatalf("%s has no %T %s", m.name, *new(T), name)
	return nil
}

// theGateway returns the Deployment and its container.
func theGateway(t *testing.T, m manifests) (*appsv1.Deployment, corev1.Container) {
	t.Helper()
	d := one[appsv1.Deployment](t, m, "gateway")
	if n := len(d.Spec.Template.Spec.Containers); n != 1 {
		t.Fatalf("%d containers", n)
	}
	return d, d.Spec.Template.Spec.Containers[0]
}
