package deploy

import (
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// aims checks that an autoscaler scales the Deployment, that nothing else says how many
// pods there are, and that pods go one by one, each after the last has drained.
func aims(t *testing.T, m manifests, target autoscalingv2.CrossVersionObjectReference, least int32, behavior *autoscalingv2.HorizontalPodAutoscalerBehavior) {
	t.Helper()
	d := one[appsv1.Deployment](t, m, target.Name)
	if target.Kind != d.Kind || target.APIVersion != d.APIVersion {
		t.Errorf("scales %+v, the Deployment is %s %s", target, d.APIVersion, d.Kind)
	}
	if d.Spec.Replicas != nil {
		t.Errorf("the Deployment says %d replicas", *d.Spec.Replicas)
	}
	budget := one[policyv1.PodDisruptionBudget](t, m, "gateway").Spec.MaxUnavailable
	if int(least) <= budget.IntValue() {
		t.Errorf("at least %d pods, of which %v may be missing", least, budget)
	}
	for _, p := range behavior.ScaleDown.Policies {
		if grace := *d.Spec.Template.Spec.TerminationGracePeriodSeconds; p.Type != autoscalingv2.PodsScalingPolicy || p.Value != 1 || int64(p.PeriodSeconds) <= grace {
			t.Errorf("scales down by %d %s in %d s; a pod takes %d s to go", p.Value, p.Type, p.PeriodSeconds, grace)
		}
	}
}

func TestAutoscalersAgree(t *testing.T) {
	production, keda := built(t, "overlays/production"), built(t, "testdata/keda")
	hpa := one[autoscalingv2.HorizontalPodAutoscaler](t, production, "gateway").Spec
	aims(t, production, hpa.ScaleTargetRef, *hpa.MinReplicas, hpa.Behavior)
	scaled := one[scaledObject](t, keda, "gateway").Spec
	aims(t, keda, scaled.ScaleTargetRef, scaled.MinReplicaCount, &scaled.Advanced.HorizontalPodAutoscalerConfig.Behavior)

	metric, trigger := hpa.Metrics[0].Pods, scaled.Triggers[0]
	if len(hpa.Metrics) != 1 || metric == nil || metric.Target.Type != autoscalingv2.AverageValueMetricType || trigger.MetricType != metric.Target.Type {
		t.Fatalf("want an average over pods: %+v, %+v", hpa.Metrics, trigger)
	}
	if metric.Target.AverageValue.String() != trigger.Metadata.Threshold && fmt.Sprint(metric.Target.AverageValue.Value()) != trigger.Metadata.Threshold {
		t.Errorf("%s connections for each pod by one, %s by the other", metric.Target.AverageValue, trigger.Metadata.Threshold)
	}
	if *hpa.MinReplicas != scaled.MinReplicaCount || hpa.MaxReplicas != scaled.MaxReplicaCount {
		t.Errorf("%d to %d pods by one, %d to %d by the other", *hpa.MinReplicas, hpa.MaxReplicas, scaled.MinReplicaCount, scaled.MaxReplicaCount)
	}
	d, _ := theGateway(t, keda)
	if want := fmt.Sprintf(`{namespace=%q}`, d.Namespace); !strings.Contains(trigger.Metadata.Query, metric.Metric.Name+want) {
		t.Errorf("the query is %s, want %s in it", trigger.Metadata.Query, metric.Metric.Name+want)
	}
}

// The example for prometheus-adapter offers the metric that the autoscaler wants, from
// one that the gateway has.
func TestAdapterOffersTheAutoscalersMetric(t *testing.T) {
	var values struct {
		Rules struct {
			Custom []struct {
				SeriesQuery string `json:"seriesQuery"`
				Resources   struct {
					Overrides map[string]struct{ Resource string } `json:"overrides"`
				} `json:"resources"`
				Name         struct{ As string } `json:"name"`
				MetricsQuery string              `json:"metricsQuery"`
			} `json:"custom"`
		} `json:"rules"`
	}
	if err := yaml.UnmarshalStrict([]byte(read(t, "deploy/k8s/components/hpa/prometheus-adapter.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	rule := values.Rules.Custom[0]
	want := one[autoscalingv2.HorizontalPodAutoscaler](t, built(t, "overlays/production"), "gateway").Spec.Metrics[0].Pods.Metric.Name
	if rule.Name.As != want || !strings.HasPrefix(rule.SeriesQuery, want+"{") || !knownMetrics(t)[want] {
		t.Errorf("offers %+v, the autoscaler wants %s", rule, want)
	}
	for label := range rule.Resources.Overrides {
		if !strings.Contains(rule.SeriesQuery, label+`!=""`) {
			t.Errorf("the series may be without the label %s", label)
		}
	}
}
