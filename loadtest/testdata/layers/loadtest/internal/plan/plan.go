// Package plan breaks the rules of its layer, for scripts/lint-bites.
package plan

import (
	_ "github.com/causeway-rt/causeway/internal/wire"             // forbidden
	_ "github.com/causeway-rt/causeway/loadtest/internal/measure" // forbidden
	_ "github.com/causeway-rt/causeway/loadtest/internal/report"  // forbidden
)
