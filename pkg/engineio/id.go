package engineio

import "crypto/rand"

const idAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// NewID returns an identifier of the tag and n random characters, 6 bits each.
func NewID(tag string, n int) string { return tag + randomID(n) }

func randomID(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	for i, x := range b {
		b[i] = idAlphabet[x&63]
	}
	return string(b)
}
