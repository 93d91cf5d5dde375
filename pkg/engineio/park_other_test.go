//go:build !linux

package engineio

// settle waits until n connections are idle: here they keep their readers.
func settle(*world, int) {}
