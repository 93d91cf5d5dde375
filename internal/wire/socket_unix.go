//go:build unix

package wire

import (
	"os"
	"runtime"
	"syscall"
)

// direct says that sockets can be read and written with system calls of our own.
const direct = true

// ipBindAddressNoPort (Linux) leaves the choice of the port to connect, which knows the
// peer: so ports of one source address serve several servers.
const ipBindAddressNoPort = 24

// latePort is a wish: kernels before 4.2 do not know it.
func latePort(fd uintptr) {
	if runtime.GOOS == "linux" {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, ipBindAddressNoPort, 1)
	}
}

func receiveBuffer(fd uintptr, size int) error {
	return os.NewSyscallError("setsockopt", syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, size))
}

// readNow reads what is there. again means that nothing is; n of 0 without it is the end.
func readNow(fd uintptr, p []byte) (n int, again bool, err error) {
	for {
		n, err = syscall.Read(int(fd), p)
		switch err {
		case nil:
			return n, false, nil
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, true, nil
		default:
			return 0, false, os.NewSyscallError("read", err)
		}
	}
}

// writeNow writes what the kernel takes.
func writeNow(fd uintptr, p []byte) (n int, err error) {
	for {
		n, err = syscall.Write(int(fd), p)
		switch err {
		case nil:
			return n, nil
		case syscall.EINTR:
		case syscall.EAGAIN:
			return 0, nil
		default:
			return 0, os.NewSyscallError("write", err)
		}
	}
}
