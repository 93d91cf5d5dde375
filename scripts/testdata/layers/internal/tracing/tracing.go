// Package tracing breaks the rules of its layer, for scripts/lint-bites.
package tracing

import (
	_ "github.com/causeway-rt/causeway/internal/access"   // forbidden
	_ "github.com/causeway-rt/causeway/internal/gateway"  // forbidden
	_ "github.com/causeway-rt/causeway/pkg/adapter/redis" // forbidden
	_ "github.com/causeway-rt/causeway/pkg/engineio"      // forbidden
	_ "github.com/causeway-rt/causeway/pkg/socketio"
	_ "github.com/redis/go-redis/v9" // forbidden
)
