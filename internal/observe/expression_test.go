package observe

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
)

var (
	selector   = regexp.MustCompile(`([a-zA-Z_:][\w:]*)?\{([^{}]*)\}`)
	matcher    = regexp.MustCompile(`\s*(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"\s*,?`)
	grouping   = regexp.MustCompile(`\b(by|without|on|ignoring|group_left|group_right)\s*\(([^()]*)\)`)
	duration   = regexp.MustCompile(`\[[^\[\]]*\]`)
	identifier = regexp.MustCompile(`[a-zA-Z_:][\w:]*(\s*\()?`)
	keywords   = []string{"and", "or", "unless", "bool", "offset"}
)

// mistakes says what an expression names that a running gateway does not have: a metric,
// a label of it, or a value that nothing with that label has. Whether it is an expression
// at all is Prometheus's to say.
func mistakes(expr string, known map[string]*dto.MetricFamily) (found []string) {
	complain := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	var metrics []string
	rest := selector.ReplaceAllStringFunc(expr, func(s string) string {
		m := selector.FindStringSubmatch(s)
		left := matcher.ReplaceAllStringFunc(m[2], func(s string) string {
			parts := matcher.FindStringSubmatch(s)
			if why := mismatch(parts[1], parts[2], parts[3], labelsOf(m[1], known)); why != "" {
				complain("%s: %s", m[1], why)
			}
			return ""
		})
		if strings.TrimSpace(left) != "" {
			complain("%s: %q is no matcher", m[1], left)
		}
		return m[1]
	})
	var grouped []string
	rest = grouping.ReplaceAllStringFunc(rest, func(s string) string {
		for label := range strings.SplitSeq(grouping.FindStringSubmatch(s)[2], ",") {
			if label = strings.TrimSpace(label); label != "" {
				grouped = append(grouped, label)
			}
		}
		return " "
	})
	for _, name := range identifier.FindAllString(duration.ReplaceAllString(rest, " "), -1) {
		if strings.HasSuffix(name, "(") || slices.Contains(keywords, name) {
			continue
		}
		metrics = append(metrics, name)
		if labelsOf(name, known) == nil {
			complain("%s: no such metric", name)
		}
	}
	for _, label := range grouped {
		if !slices.ContainsFunc(metrics, func(m string) bool { _, has := labelsOf(m, known)[label]; return has }) {
			complain("label %s: on none of %v", label, metrics)
		}
	}
	return found
}

// labelsOf returns the labels of a metric with their values, nil if there is none of that
// name. Labels that Prometheus adds have no values to compare with.
func labelsOf(name string, known map[string]*dto.MetricFamily) map[string][]string {
	labels := map[string][]string{"job": nil, "instance": nil}
	if name == "up" {
		return labels
	}
	f := known[name]
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		base, is := strings.CutSuffix(name, suffix)
		if is && known[base].GetType() == dto.MetricType_HISTOGRAM {
			f = known[base]
			if suffix == "_bucket" {
				labels["le"] = nil
			}
		}
	}
	if f == nil {
		return nil
	}
	for _, m := range f.Metric {
		for _, l := range m.Label {
			labels[l.GetName()] = append(labels[l.GetName()], l.GetValue())
		}
	}
	return labels
}

// mismatch says why a matcher can match nothing; empty if it can.
func mismatch(label, op, value string, labels map[string][]string) string {
	values, has := labels[label]
	if !has {
		return "has no label " + label
	}
	if values == nil {
		return ""
	}
	alternatives := []string{regexp.QuoteMeta(value)}
	if op == "=~" || op == "!~" {
		alternatives = strings.Split(value, "|")
	}
	for _, a := range alternatives {
		re, err := regexp.Compile("^(?:" + a + ")$")
		if err != nil {
			return err.Error()
		}
		if !slices.ContainsFunc(values, re.MatchString) {
			return fmt.Sprintf("label %s never is %s", label, a)
		}
	}
	return ""
}

func TestMistakesInExpressionsAreFound(t *testing.T) {
	name := func(s string) *string { return &s }
	known := map[string]*dto.MetricFamily{
		"gateway_a": {Metric: []*dto.Metric{{Label: []*dto.LabelPair{{Name: name("reason"), Value: name("slow")}}}}},
		"gateway_h": {Type: dto.MetricType_HISTOGRAM.Enum(), Metric: []*dto.Metric{{}}},
	}
	for expr, want := range map[string]string{
		`sum by (job, reason) (rate(gateway_a{reason="slow",job=~".*"}[5m])) / on (job) up`: "",
		`histogram_quantile(0.9, sum by (le) (rate(gateway_h_bucket[1m])))`:                 "",
		`gateway_b > 0`:                         "gateway_b: no such metric",
		`rate(gatewy_a[5m])`:                    "gatewy_a: no such metric",
		`gateway_a{reason="fast"}`:              "gateway_a: label reason never is fast",
		`gateway_a{reason=~"slow|quick"}`:       "gateway_a: label reason never is quick",
		`gateway_a{cause="slow"}`:               "gateway_a: has no label cause",
		`sum by (transport) (gateway_a)`:        "label transport: on none of [gateway_a]",
		`gateway_h_bucket{le="1",reason="s"}`:   "gateway_h_bucket: has no label reason",
		`gateway_a_bucket and gateway_h_median`: "gateway_a_bucket: no such metric",
	} {
		got := mistakes(expr, known)
		if want == "" && len(got) > 0 || want != "" && !slices.Contains(got, want) {
			t.Errorf("%s: %q, want %q", expr, got, want)
		}
	}
}
