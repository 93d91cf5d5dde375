package plan

import (
	"encoding/json"
	"fmt"
	"time"
)

// In JSON, durations are texts as in YAML and on the command line. The types below
// have the fields of those they stand for; a field of the outer struct goes before
// one of the same name within.

// span is a duration as text.
type span time.Duration

func (s span) MarshalText() ([]byte, error) { return []byte(time.Duration(s).String()), nil }

func (s *span) UnmarshalText(b []byte) error {
	d, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q: want a duration such as 30s", shown(string(b)))
	}
	*s = span(d)
	return nil
}

type planFields Plan

type planJSON struct {
	*planFields
	Interval       span `json:"interval"`
	ConnectTimeout span `json:"connect_timeout"`
	AckTimeout     span `json:"ack_timeout"`
	Drain          span `json:"drain"`
}

// MarshalJSON writes durations as texts.
func (p Plan) MarshalJSON() ([]byte, error) {
	return json.Marshal(planJSON{(*planFields)(&p), span(p.Interval), span(p.ConnectTimeout), span(p.AckTimeout), span(p.Drain)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Plan) UnmarshalJSON(b []byte) error {
	j := planJSON{planFields: (*planFields)(p)}
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	p.Interval, p.ConnectTimeout = time.Duration(j.Interval), time.Duration(j.ConnectTimeout)
	p.AckTimeout, p.Drain = time.Duration(j.AckTimeout), time.Duration(j.Drain)
	return nil
}

type cutFields Cut

type cutJSON struct {
	*cutFields
	Every span `json:"every"`
	For   span `json:"for"`
}

// MarshalJSON writes durations as texts.
func (c Cut) MarshalJSON() ([]byte, error) {
	return json.Marshal(cutJSON{(*cutFields)(&c), span(c.Every), span(c.For)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *Cut) UnmarshalJSON(b []byte) error {
	j := cutJSON{cutFields: (*cutFields)(c)}
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	c.Every, c.For = time.Duration(j.Every), time.Duration(j.For)
	return nil
}

type phaseFields Phase

type phaseJSON struct {
	*phaseFields
	Duration span `json:"duration"`
}

// MarshalJSON writes durations as texts.
func (p Phase) MarshalJSON() ([]byte, error) {
	return json.Marshal(phaseJSON{(*phaseFields)(&p), span(p.Duration)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Phase) UnmarshalJSON(b []byte) error {
	j := phaseJSON{phaseFields: (*phaseFields)(p)}
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	p.Duration = time.Duration(j.Duration)
	return nil
}

type reconnectFields Reconnect

type reconnectJSON struct {
	*reconnectFields
	Delay span `json:"delay"`
	Max   span `json:"max"`
}

// MarshalJSON writes durations as texts.
func (r Reconnect) MarshalJSON() ([]byte, error) {
	return json.Marshal(reconnectJSON{(*reconnectFields)(&r), span(r.Delay), span(r.Max)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Reconnect) UnmarshalJSON(b []byte) error {
	j := reconnectJSON{reconnectFields: (*reconnectFields)(r)}
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	r.Delay, r.Max = time.Duration(j.Delay), time.Duration(j.Max)
	return nil
}

type tokenFields Token

type tokenJSON struct {
	*tokenFields
	Lifetime span `json:"lifetime"`
}

// MarshalJSON writes durations as texts.
func (t Token) MarshalJSON() ([]byte, error) {
	return json.Marshal(tokenJSON{(*tokenFields)(&t), span(t.Lifetime)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (t *Token) UnmarshalJSON(b []byte) error {
	j := tokenJSON{tokenFields: (*tokenFields)(t)}
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	t.Lifetime = time.Duration(j.Lifetime)
	return nil
}
