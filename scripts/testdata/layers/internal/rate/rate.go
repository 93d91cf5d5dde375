// Package rate breaks the rules of its layer, for scripts/lint-bites.
package rate

import (
	_ "github.com/causeway-rt/causeway/internal/tally" // forbidden
	_ "github.com/causeway-rt/causeway/pkg/engineio"   // forbidden
)
