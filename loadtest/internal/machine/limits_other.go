//go:build !linux

package machine

const loopbacks = false

// raiseDescriptors knows nothing here: Go's runtime has raised what there is.
func raiseDescriptors() uint64 { return 0 }
