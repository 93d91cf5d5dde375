//go:build sabotage

package sabotage

import "os"

var (
	CatchUp = off("catch-up")
	Dedupe  = off("dedupe")
	Fencing = off("fencing")
)

func off(what string) bool { return os.Getenv("CAUSEWAY_SABOTAGE") == what }
