// Package engineio breaks the rules of its layer, for scripts/lint-bites.
package engineio

import (
	_ "net/http"

	_ "github.com/coder/websocket"
	_ "github.com/redis/go-redis/v9" // forbidden

	_ "github.com/causeway-rt/causeway/internal/access" // forbidden
	_ "github.com/causeway-rt/causeway/internal/pace"
	_ "github.com/causeway-rt/causeway/pkg/socketio" // forbidden
)
