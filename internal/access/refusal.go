package access

import "sync/atomic"

// Code says why a client was refused. The codes are all that it is told: which of several
// checks failed would help who tries, and nobody else.
type Code string

// Why clients are refused.
const (
	CodeMissing     Code = "token_missing"
	CodeInvalid     Code = "token_invalid" // not a token, not signed by a key of ours, without end
	CodeExpired     Code = "token_expired"
	CodeNotYet      Code = "token_not_yet_valid"
	CodeAudience    Code = "token_audience"
	CodeIssuer      Code = "token_issuer"
	CodeNamespace   Code = "token_namespace"  // the token is for other namespaces
	CodeClaims      Code = "token_claims"     // signed by us, but no user, or rooms and patterns that are none
	CodeSubject     Code = "token_subject"    // a renewal for another user
	CodeUnavailable Code = "keys_unavailable" // it can't be checked at the moment
)

// messages are for developers; every code has one.
var messages = map[Code]string{
	CodeMissing:     "A token is needed",
	CodeInvalid:     "The token is not valid",
	CodeExpired:     "The token has expired",
	CodeNotYet:      "The token is not valid yet",
	CodeAudience:    "The token is for another audience",
	CodeIssuer:      "The token is from another issuer",
	CodeNamespace:   "The token is not for this namespace",
	CodeClaims:      "The token has claims that can't be used",
	CodeSubject:     "The token is for another user",
	CodeUnavailable: "The token can't be checked now, try again",
}

// Refusal is the error of a client that is refused. Its text is for the client.
type Refusal struct {
	Code Code
	// Reason is for a log: it has neither the token nor a part of it.
	Reason string
}

func (r *Refusal) Error() string { return messages[r.Code] }

// refusals counts by code. The map is immutable.
type refusals map[Code]*atomic.Int64

func newRefusals() refusals {
	r := refusals{}
	for code := range messages {
		r[code] = new(atomic.Int64)
	}
	return r
}

// refuse counts a refusal.
func (r refusals) refuse(code Code, reason string) *Refusal {
	r[code].Add(1)
	return &Refusal{code, reason}
}
