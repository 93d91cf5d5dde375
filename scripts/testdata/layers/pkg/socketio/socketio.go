// Package socketio breaks the rules of its layer, for scripts/lint-bites.
package socketio

import (
	_ "net/http" // forbidden

	_ "github.com/coder/websocket"   // forbidden
	_ "github.com/redis/go-redis/v9" // forbidden

	_ "github.com/causeway-rt/causeway/pkg/adapter/redis" // forbidden
	_ "github.com/causeway-rt/causeway/pkg/engineio"
)
