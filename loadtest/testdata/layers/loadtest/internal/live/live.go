// Package live breaks the rules of its layer, for scripts/lint-bites.
package live

import (
	_ "github.com/causeway-rt/causeway/internal/gateway"        // forbidden
	_ "github.com/causeway-rt/causeway/internal/wire"           // forbidden
	_ "github.com/causeway-rt/causeway/loadtest/internal/drive" // forbidden
	_ "github.com/causeway-rt/causeway/loadtest/internal/result"
)
