package gateway

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/causeway-rt/causeway/internal/redistest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(withRedis{m}) }

// withRedis keeps one Redis for all tests, and stops it before leaks are looked for.
type withRedis struct{ m *testing.M }

func (w withRedis) Run() int { return redistest.Main(w.m) }
