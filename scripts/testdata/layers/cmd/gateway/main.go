// Command gateway breaks the rules of its layer, for scripts/lint-bites.
package main

import (
	_ "github.com/causeway-rt/causeway/internal/access"
	_ "github.com/causeway-rt/causeway/internal/api" // forbidden
	_ "github.com/causeway-rt/causeway/internal/gateway"
	_ "github.com/causeway-rt/causeway/internal/peer"    // forbidden
	_ "github.com/causeway-rt/causeway/internal/tracing" // forbidden
	_ "github.com/causeway-rt/causeway/pkg/socketio"     // forbidden
)

func main() {}
