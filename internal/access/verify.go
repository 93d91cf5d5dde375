package access

import (
	"bytes"
	"context"
	"encoding/json"
	"runtime"
	"strings"
	"time"
)

// verify checks a token with one key after the other. Its error is a *Refusal.
func (a *Access) verify(ctx context.Context, token string) (*claims, error) {
	if len(token) > MaxTokenBytes {
		return nil, a.refusals.refuse(CodeInvalid, "too long")
	}
	if strings.ContainsAny(token, "\r\n") { // which base64 overlooks: one token would have many spellings
		return nil, a.refusals.refuse(CodeInvalid, "a line's end in it")
	}
	code, reason := CodeInvalid, "no key for it"
	for _, k := range a.keys {
		c, why, err := k.check(ctx, token, a)
		if err == nil {
			return c, nil
		}
		// The most telling answer: that of the key which it was signed with.
		if code == CodeInvalid || code == CodeUnavailable && why != CodeInvalid {
			code, reason = why, k.Name+": "+err.Error()
		}
	}
	return nil, a.refusals.refuse(code, reason)
}

// atOnce is how many signatures are checked at the same time. A flood of wrong tokens
// leaves half of the processors to the clients that are connected.
func atOnce() int { return max(1, runtime.GOMAXPROCS(0)/2) }

// maxWait bounds a wait for a turn, and one for a set of keys.
const maxWait = 5 * time.Second

// turn waits until a signature may be checked. Each turn ends with endTurn.
func (a *Access) turn(ctx context.Context) error {
	select {
	case a.checking <- struct{}{}:
		return nil
	default:
	}
	ctx, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	select {
	case a.checking <- struct{}{}:
		return nil
	case <-ctx.Done():
		return errBusy
	}
}

func (a *Access) endTurn() { <-a.checking }

// tokenOf is the token in an auth object. An empty one is none: that is what a client
// sends whose user has not logged in.
func tokenOf(auth json.RawMessage) (token string, there, ok bool) {
	if token, ok := plainToken(auth); ok {
		return token, true, true
	}
	var object struct {
		Token string `json:"token"` // null leaves it empty
	}
	if auth != nil && json.Unmarshal(auth, &object) != nil {
		return "", false, false
	}
	return object.Token, object.Token != "", true
}

// plainToken reads what nearly all clients send, an object of a token and nothing else,
// without the garbage of a decoder.
func plainToken(auth []byte) (token string, ok bool) {
	text, begins := bytes.CutPrefix(auth, []byte(`{"token":"`))
	text, ends := bytes.CutSuffix(text, []byte(`"}`))
	if !begins || !ends || len(text) == 0 || bytes.ContainsFunc(text, func(r rune) bool { return r != '.' && isNoBase64URL(r) }) {
		return "", false
	}
	return string(text), true
}
