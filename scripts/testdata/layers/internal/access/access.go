// Package access breaks the rules of its layer, for scripts/lint-bites.
package access

import (
	_ "net/http"

	_ "github.com/golang-jwt/jwt/v5"
	_ "github.com/redis/go-redis/v9" // forbidden

	_ "github.com/causeway-rt/causeway/internal/gateway" // forbidden
	_ "github.com/causeway-rt/causeway/internal/rate"
	_ "github.com/causeway-rt/causeway/pkg/socketio" // forbidden
)
