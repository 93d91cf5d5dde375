// Command hello breaks the rules of its layer, for scripts/lint-bites.
package main

import (
	_ "github.com/causeway-rt/causeway/internal/gateway" // forbidden
	_ "github.com/causeway-rt/causeway/pkg/socketio"
)

func main() {}
