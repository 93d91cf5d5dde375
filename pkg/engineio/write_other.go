//go:build !unix

package engineio

import "errors"

// canWriteNow: every connection is written to in the blocking way.
const canWriteNow = false

func writeNow(uintptr, []byte) (int, error) { return 0, errors.ErrUnsupported }
