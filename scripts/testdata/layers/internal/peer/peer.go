// Package peer breaks the rules of its layer, for scripts/lint-bites.
package peer

import (
	_ "github.com/redis/go-redis/v9"

	_ "github.com/causeway-rt/causeway/internal/api"     // forbidden
	_ "github.com/causeway-rt/causeway/internal/gateway" // forbidden
	_ "github.com/causeway-rt/causeway/internal/pace"
	_ "github.com/causeway-rt/causeway/pkg/engineio" // forbidden
)
