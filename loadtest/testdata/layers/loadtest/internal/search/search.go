// Package search breaks the rules of its layer, for scripts/lint-bites.
package search

import (
	_ "github.com/causeway-rt/causeway/loadtest/internal/calm"   // forbidden
	_ "github.com/causeway-rt/causeway/loadtest/internal/drive"  // forbidden
	_ "github.com/causeway-rt/causeway/loadtest/internal/live"   // forbidden
	_ "github.com/causeway-rt/causeway/loadtest/internal/report" // forbidden
	_ "github.com/causeway-rt/causeway/loadtest/internal/result"
)
