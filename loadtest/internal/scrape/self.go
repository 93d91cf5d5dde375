package scrape

import (
	"os"

	"github.com/causeway-rt/causeway/loadtest/internal/result"
)

// Self is a sample of this program. Connections and what follows are missing.
func Self() result.Sample { return Process(os.Getpid()) }
