package verdict

import "strings"

// Time is of the first expectation that a time be short: metric and quantile are as
// delivery and p99, limit is in seconds. Without one they are empty, and limit is 0.
func (e Expectations) Time() (metric, quantile string, limit float64) {
	for _, one := range e {
		name := shape.FindStringSubmatch(one.text)[1]
		metric, quantile, found := strings.Cut(name, "_")
		if isTime := one.unit != "" && one.unit != "%"; isTime && found && strings.HasPrefix(one.op, "<") {
			return metric, quantile, one.value
		}
	}
	return "", "", 0
}
