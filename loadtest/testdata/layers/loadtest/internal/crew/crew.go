// Package crew breaks the rules of its layer, for scripts/lint-bites.
package crew

import (
	_ "github.com/causeway-rt/causeway/internal/wire" // forbidden
	_ "github.com/causeway-rt/causeway/loadtest/internal/drive"
	_ "github.com/causeway-rt/causeway/loadtest/internal/live"   // forbidden
	_ "github.com/causeway-rt/causeway/loadtest/internal/report" // forbidden
)
