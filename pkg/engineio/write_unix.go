//go:build unix

package engineio

import "syscall"

// canWriteNow: a connection's descriptor takes what it can without waiting.
const canWriteNow = true

// writeNow is write(2), begun again when a signal came first.
func writeNow(fd uintptr, p []byte) (int, error) {
	for {
		n, err := syscall.Write(int(fd), p)
		if err != syscall.EINTR {
			return max(n, 0), err
		}
	}
}
