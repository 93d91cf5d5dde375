package access

import "time"

// Stats counts since the start, but for the gauges, which say what is now.
type Stats struct {
	Refused   map[Code]int64
	ByToken   int64 // clients let in with a token
	Anonymous int64 // clients let in without
	Renewed   int64 // tokens replaced
	Expired   int64 // clients sent away because their tokens had ended

	Watched int // clients whose tokens will end (gauge)
	Shared  int // different grants that they have (gauge)

	Keys          int           // keys that there are, those of sets included (gauge)
	KeysAge       time.Duration // of the oldest set that has been fetched; 0 without one (gauge)
	Fetched       int64         // requests for sets that brought one
	FetchesFailed int64
}

// Stats returns the figures.
func (a *Access) Stats() Stats {
	st := Stats{
		Refused: map[Code]int64{},
		ByToken: a.byToken.Load(), Anonymous: a.byNothing.Load(), Renewed: a.renewals.Load(), Shared: a.sharing.count(),
	}
	st.Watched, st.Expired = a.watch.count()
	for code, n := range a.refusals {
		st.Refused[code] = n.Load()
	}
	for _, k := range a.keys {
		if k.set == nil {
			st.Keys++
			continue
		}
		keys, fetched, fetches := k.set.usable()
		st.Keys += keys
		st.Fetched += fetches[0]
		st.FetchesFailed += fetches[1]
		if !fetched.IsZero() {
			st.KeysAge = max(st.KeysAge, time.Since(fetched))
		}
	}
	return st
}

// State says whether tokens can be checked. A node is ready as soon as one key is there:
// it may start while a server of keys is away, and then gets no clients that it would
// have to refuse. The official client gives up after a refusal, but goes on trying to
// reach a node. Later, a server that is away does not make it less ready: it has keys.
func (a *Access) State() (state string, ready bool) {
	missing := 0
	for _, k := range a.keys {
		if k.set != nil {
			if keys, _, _ := k.set.usable(); keys == 0 {
				missing++
			}
		}
	}
	switch {
	case missing == 0:
		return "ok", true
	case missing < len(a.keys):
		return "some keys missing", true
	}
	return "no keys yet", false
}
