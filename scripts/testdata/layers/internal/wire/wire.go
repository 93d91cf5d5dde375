// Package wire breaks the rules of its layer, for scripts/lint-bites.
package wire

import (
	_ "github.com/causeway-rt/causeway/internal/gateway" // forbidden
	_ "github.com/causeway-rt/causeway/pkg/engineio"     // forbidden
)
