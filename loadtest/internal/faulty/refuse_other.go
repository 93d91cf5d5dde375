//go:build !unix

package faulty

import "testing"

// refuse returns an address at which somebody listened until now.
func refuse(tb testing.TB) string {
	tb.Helper()
	ln := listen(tb)
	defer ln.Close()
	return ln.Addr().String()
}
