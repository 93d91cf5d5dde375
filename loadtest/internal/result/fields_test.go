package result

import (
	"reflect"
	"testing"
	"time"

	"github.com/causeway-rt/causeway/loadtest/internal/audit"
)

// inOrder checks that a table names each field of a struct as its file does.
func inOrder[T any](t *testing.T, n int, entry func(i int, s *T) (string, any)) {
	t.Helper()
	var s T
	v := reflect.ValueOf(&s).Elem()
	if v.NumField() != n {
		t.Fatalf("%d entries for %d fields", n, v.NumField())
	}
	for i := range n {
		name, pointer := entry(i, &s)
		field := v.Type().Field(i)
		if name != field.Tag.Get("json") || pointer != v.Field(i).Addr().Interface() {
			t.Errorf("entry %d is %s, the field %s", i, name, field.Name)
		}
	}
}

func TestTablesNameEveryField(t *testing.T) {
	inOrder(t, len(CountFields), func(i int, c *Counts) (string, any) { return CountFields[i].Name, CountFields[i].Of(c) })
	inOrder(t, len(SumFields), func(i int, s *audit.Sums) (string, any) { return SumFields[i].Name, SumFields[i].Of(s) })
	inOrder(t, len(LatencyFields), func(i int, l *Latency) (string, any) { return LatencyFields[i].Name, LatencyFields[i].Of(l) })
}

func TestCountsAreAddedFieldByField(t *testing.T) {
	var c, o Counts
	for i, f := range CountFields {
		*f.Of(&c), *f.Of(&o) = int64(i), int64(100*i)
	}
	c.Add(o)
	for i, f := range CountFields {
		if *f.Of(&c) != int64(101*i) {
			t.Errorf("%s is %d, want %d", f.Name, *f.Of(&c), 101*i)
		}
	}
}

func TestMergedLatencyLeavesItsPartsAlone(t *testing.T) {
	part := Latency{Ack: of([]time.Duration{time.Second})}
	var whole Latency
	whole.Merge(part)
	whole.Merge(part)
	if whole.Ack.Count() != 2 || part.Ack.Count() != 1 {
		t.Errorf("the whole has %d and the part %d, want 2 and 1", whole.Ack.Count(), part.Ack.Count())
	}
	if whole.Connect != nil {
		t.Error("a histogram of nothing was made")
	}
}
