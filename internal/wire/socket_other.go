//go:build !unix

package wire

import "errors"

// direct says that sockets can be read and written with system calls of our own.
const direct = false

var errDirect = errors.New("wire: no direct access to sockets on this system")

func latePort(uintptr) {}

func receiveBuffer(uintptr, int) error { return errors.ErrUnsupported }

func readNow(uintptr, []byte) (n int, again bool, err error) { return 0, false, errDirect }

func writeNow(uintptr, []byte) (int, error) { return 0, errDirect }
