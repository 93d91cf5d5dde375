// Package redis breaks the rules of its layer, for scripts/lint-bites.
package redis

import (
	_ "net/http" // forbidden

	_ "github.com/redis/go-redis/v9"

	_ "github.com/causeway-rt/causeway/internal/gateway" // forbidden
	_ "github.com/causeway-rt/causeway/pkg/engineio"     // forbidden
	_ "github.com/causeway-rt/causeway/pkg/socketio"
)
