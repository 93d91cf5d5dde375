// Package drive breaks the rules of its layer, for scripts/lint-bites.
package drive

import (
	_ "github.com/causeway-rt/causeway/internal/wire"
	_ "github.com/causeway-rt/causeway/loadtest/internal/plan"
	_ "github.com/causeway-rt/causeway/pkg/socketio" // forbidden
)
