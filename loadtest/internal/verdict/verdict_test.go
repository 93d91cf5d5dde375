package verdict

import (
	"strings"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
	"github.com/causeway-rt/causeway/loadtest/internal/plan"
	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// measured is a result with some of everything: 1 to 1,000 ms deliveries, and 20 s of
// load.
func measured() *result.Result {
	delivery := result.NewHistogram()
	for i := range 1000 {
		delivery.Record(time.Duration(i+1) * time.Millisecond)
	}
	ack := result.NewHistogram()
	ack.Record(250 * time.Microsecond)
	connect := result.NewHistogram()
	connect.Record(50 * time.Millisecond)
	sums := audit.Sums{Published: 100, Due: 200_000, Delivered: 199_980, Lost: 20, Duplicated: 3}
	return &result.Result{
		Counts: result.Counts{
			Attempts: 1000, Connected: 999, ConnectErrors: 1, Published: 100, Unsent: 25, Acks: 90, AckTimeouts: 10,
			Received: 1_234_567, Disconnects: 2,
		},
		Audit:   sums,
		Latency: result.Latency{Delivery: delivery, Ack: ack, Connect: connect},
		Servers: make([]result.Server, 1),
		Phases: []result.Phase{{
			Kind: plan.Hold, To: 20, Audit: sums, Counts: result.Counts{Published: 100},
			Servers: []result.Usage{{CPUSeconds: 10}},
		}},
	}
}

func check(t *testing.T, r *result.Result, text string) result.Check {
	t.Helper()
	e, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	checks := e.Evaluate(r)
	if len(checks) != 1 {
		t.Fatalf("%d checks of %q", len(checks), text)
	}
	return checks[0]
}

func TestExpectationsAreMetOrNot(t *testing.T) {
	for text, want := range map[string]struct {
		ok    bool
		found string
	}{
		"delivery_p50<600ms":        {true, "500 ms"},
		"delivery_p99<50ms":         {false, "990 ms"},
		"delivery_p99 < 1s":         {true, "990 ms"},
		"delivery_max<=1s":          {true, "1 s"},
		"delivery_max<1s":           {false, "1 s"},
		"delivery_max=1000ms":       {true, "1 s"},
		"delivery_max>=1s":          {true, "1 s"},
		"delivery_max>1s":           {false, "1 s"},
		"delivery_max<1.002s":       {true, "1 s"},
		"delivery_p9999>0.9s":       {true, "1 s"},
		"ack_p99<1ms":               {true, "250 µs"},
		"ack_p50<=250us":            {true, "250 µs"},
		"ack_p50<250µs":             {false, "250 µs"},
		"connect_max<=50ms":         {true, "50 ms"},
		"connect_max<50ms":          {false, "50 ms"},
		"lost=0":                    {false, "20 of 200,000 deliveries due (0.01 %)"},
		"lost<=20":                  {true, "20 of 200,000 deliveries due (0.01 %)"},
		"lost<0.1%":                 {true, "20 of 200,000 deliveries due (0.01 %)"},
		"lost<0.01%":                {false, "20 of 200,000 deliveries due (0.01 %)"},
		"duplicated=0":              {false, "3 of 200,000 deliveries due (0.0015 %)"},
		"reordered=0":               {true, "0 of 200,000 deliveries due (0 %)"},
		"corrupted<1%":              {true, "0 of 200,000 deliveries due (0 %)"},
		"delivered>=99.99%":         {true, "199,980 of 200,000 deliveries due (99.99 %)"},
		"connect_errors<0.1%":       {false, "1 of 1,000 attempts (0.1 %)"},
		"connect_errors<=.1%":       {true, "1 of 1,000 attempts (0.1 %)"},
		"disconnects<1%":            {true, "2 of 999 connections (0.2 %)"},
		"unsent<=20%":               {true, "25 of 125 messages to send (20 %)"},
		"ack_timeouts=10%":          {true, "10 of 100 acks awaited (10 %)"},
		"reconnect_errors=0":        {true, "0 of 0 attempts to come back"},
		"received>1000000":          {true, "1,234,567"},
		"delivered_per_s>=9999":     {true, "9,999/s"},
		"published_per_s>5":         {false, "5/s"},
		"cpu_percent<=50%":          {true, "50 %"},
		"cpu_percent<50":            {false, "50 %"},
		"cpu_us_per_delivery<50.1":  {true, "50 µs"},
		"cpu_us_per_delivery>50.01": {false, "50 µs"},
	} {
		got := check(t, measured(), text)
		if got.OK != want.ok || got.Found != want.found || got.Text != text {
			t.Errorf("%s: %+v, want %v, found %q", text, got, want.ok, want.found)
		}
	}
}

func TestWhatWasNotMeasuredIsNotMet(t *testing.T) {
	for text, found := range map[string]string{
		"delivery_p99<50ms":     "not measured: there were no deliveries",
		"delivery_p99>=0ms":     "not measured: there were no deliveries",
		"ack_max<1s":            "not measured: there were no answers",
		"connect_p50<1s":        "not measured: there were no connections",
		"reconnect_p50<1s":      "not measured: there were no reconnections",
		"lost=0":                "0; not measured: there were no deliveries due",
		"lost<1%":               "0; not measured: there were no deliveries due",
		"connect_errors=0":      "0; not measured: there were no attempts",
		"disconnects=0":         "0; not measured: there were no connections",
		"unsent=0":              "0; not measured: there were no messages to send",
		"ack_timeouts<1%":       "0; not measured: there were no acks awaited",
		"cpu_us_per_delivery<5": "not measured",
		"kib_per_conn<8":        "not measured",
	} {
		if got := check(t, &result.Result{}, text); got.OK || got.Found != found {
			t.Errorf("%s: %+v, want not met, found %q", text, got, found)
		}
	}
}

func TestNothingIsMetWithoutALostWorker(t *testing.T) {
	r := measured()
	text := "lost=0"
	whole := check(t, r, text)
	r.Workers = []result.Worker{{Address: "a"}, {Address: "b", Lost: "no word for 10s"}}
	if got := check(t, r, text); got.OK || got.Found != "not all measured: "+whole.Found {
		t.Errorf("%+v", got)
	}
	r.Workers[1].Lost = ""
	if got := check(t, r, text); got != whole {
		t.Errorf("with both %+v, want %+v", got, whole)
	}
}

func TestSeveralExpectationsKeepTheirOrder(t *testing.T) {
	e, err := Parse(" delivery_p99<50ms , lost=0,connect_errors<=0.1% ")
	if err != nil {
		t.Fatal(err)
	}
	checks := e.Evaluate(measured())
	if len(checks) != 3 || checks[0].Text != "delivery_p99<50ms" || checks[1].Text != "lost=0" || checks[2].Text != "connect_errors<=0.1%" {
		t.Errorf("checks %+v", checks)
	}
	if Met(checks) || !Met(checks[2:]) || !Met(nil) {
		t.Error("one that is not met decides")
	}
	if e, err := Parse("  "); e != nil || err != nil || e.Evaluate(measured()) != nil {
		t.Errorf("nothing expected: %v, %v", e, err)
	}
}

func TestWrongExpectationIsNamedInOneLine(t *testing.T) {
	for text, says := range map[string][]string{
		"delivery_p98<50ms":                {`"delivery_p98<50ms"`, `"p98"`, "p50, p75, p90, p95, p99, p999, p9999, max"},
		"latency<5ms":                      {`"latency"`, "lost", "connect_errors", "delivered_per_s", "delivery_"},
		"delivery_p99<50":                  {`"50"`, "needs a unit", "5us, 5ms, 5s"},
		"delivery_p99<50m":                 {`unit "m"`, "5us, 5ms, 5s"},
		"delivery_p99<50%":                 {`unit "%"`, "5us, 5ms, 5s"},
		"lost=0ms":                         {`unit "ms"`, "5, 5%"},
		"joins>5%":                         {`unit "%"`},
		"delivered_per_s>5%":               {`unit "%"`},
		"lost=none":                        {`"none"`},
		"lost=-1":                          {`"-1"`},
		"lost=1e3":                         {`"1e3"`},
		"lost=NaN":                         {`"NaN"`},
		"lost=":                            {`""`, "5, 5%"},
		"lost":                             {`"lost"`, "< <= = >= >"},
		"lost==0":                          {`"lost==0"`, "< <= = >= >"},
		"lost!0":                           {`"lost!0"`, "< <= = >= >"},
		"lost<>0":                          {`"lost<>0"`},
		"=0":                               {`"=0"`},
		"lost=0,":                          {"between two commas"},
		"lost=0,,gap=0":                    {"between two commas"},
		"lost=0;gap=0":                     {`"lost=0;gap=0"`},
		"lost=0 gap=0":                     {`"lost=0 gap=0"`},
		"lost=0, Lost=0":                   {`"Lost"`},
		strings.Repeat("x", 500) + "<":     {"xxx…"},
		"lost<" + strings.Repeat("9", 400): {"too large"},
		"a\nb=0":                           {`\n`},
	} {
		_, err := Parse(text)
		if err == nil {
			t.Errorf("%q was taken", text)
			continue
		}
		for _, s := range says {
			if !strings.Contains(err.Error(), s) {
				t.Errorf("%q: %v; does not say %s", text, err, s)
			}
		}
		if strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: more than one line: %v", text, err)
		}
	}
}

func TestEveryNameThatIsListedIsTaken(t *testing.T) {
	plain, _, _ := strings.Cut(Names(), ", and ")
	for name := range strings.SplitSeq(plain, ", ") {
		if _, err := Parse(name + ">0"); err != nil {
			t.Error(err)
		}
	}
	for _, l := range result.LatencyFields {
		for _, q := range result.Quantiles {
			if _, err := Parse(l.Name + "_" + q.Name + "<1s"); err != nil {
				t.Error(err)
			}
		}
	}
	for name := range result.Denominators {
		if _, ok := counts[name]; !ok {
			t.Errorf("%s has a denominator and is no count", name)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("delivery_p99<50ms,lost=0,connect_errors<0.1%")
	f.Add("ack_p50<=.5µs")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		if err != nil {
			if strings.Contains(err.Error(), "\n") || len(err.Error()) > 4000 {
				t.Fatalf("an error of %d bytes: %v", len(err.Error()), err)
			}
			return
		}
		if got := e.Evaluate(measured()); len(got) != len(e) {
			t.Fatalf("%d checks of %d expectations", len(got), len(e))
		}
	})
}

func TestFirstExpectationOfAShortTimeIsTold(t *testing.T) {
	for text, want := range map[string]struct {
		metric, quantile string
		limit            float64
	}{
		"lost=0,delivery_p99<50ms,ack_p50<1ms": {"delivery", "p99", .05},
		"ack_p9999<=2s":                        {"ack", "p9999", 2},
		"delivery_max>1ms,lost<0.1%":           {},
		"delivered_per_s>1000":                 {},
		"":                                     {},
	} {
		e, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if metric, quantile, limit := e.Time(); metric != want.metric || quantile != want.quantile || limit != want.limit {
			t.Errorf("%s: %s, %s, %v", text, metric, quantile, limit)
		}
	}
}
