package report

import (
	"fmt"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
	"github.com/causeway-rt/causeway/loadtest/internal/show"
)

// verdict is the answer to whoever asked for the test.
type verdict struct {
	State  string // pass, fail, open (nothing was expected) or broken (the run did not end as planned)
	Word   string
	Reason string
	Checks []result.Check
}

func judge(res *result.Result) verdict {
	v := verdict{Checks: res.Checks}
	missed := 0
	for _, c := range res.Checks {
		if !c.OK {
			missed++
		}
	}
	switch n := len(res.Checks); {
	case n == 0:
		v.State, v.Word, v.Reason = "open", "Measured", "No expectations were set, so there is nothing to pass or to fail."
	case missed == 0:
		v.State, v.Word, v.Reason = "pass", "Passed", one(n, "The one expectation was met.", fmt.Sprintf("All %d expectations were met.", n))
	default:
		v.State, v.Word, v.Reason = "fail", "Failed", fmt.Sprintf("%d of %s not met.", missed, one(n, "1 expectation was", fmt.Sprintf("%d expectations were", n)))
	}
	switch res.Ended {
	case "complete", "":
	case "interrupted":
		v.Reason = fmt.Sprintf("The run was interrupted after %s. %s", show.Clock(res.Seconds), v.Reason)
		if v.State != "fail" {
			v.State, v.Word = "broken", "Interrupted"
		}
	default:
		v.Reason = fmt.Sprintf("The run was given up after %s: %s.", show.Clock(res.Seconds), show.Visible(res.Ended, 300))
		v.State, v.Word = "fail", "Given up"
	}
	return v
}

func one(n int, singular, plural string) string {
	if n == 1 {
		return singular
	}
	return plural
}
