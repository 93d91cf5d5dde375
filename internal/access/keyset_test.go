package access

import (
	"context"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

// keyServer serves a set of keys, or what it is told to do instead.
type keyServer struct {
	*httptest.Server
	requests atomic.Int64
	answer   atomic.Pointer[func(http.ResponseWriter, *http.Request)]
}

func startKeys(t testing.TB, set string) *keyServer {
	t.Helper()
	s := &keyServer{}
	s.serve(set)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		(*s.answer.Load())(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *keyServer) serve(set string) {
	s.do(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, set) })
}

func (s *keyServer) do(f func(http.ResponseWriter, *http.Request)) { s.answer.Store(&f) }

// key is one that uses the server, with an interval that a test can wait for.
func (s *keyServer) key(interval time.Duration) Key {
	return Key{Name: "login", Algorithms: []string{"RS256", "ES256", "EdDSA"}, JWKS: s.URL + "/keys", Interval: interval, Timeout: time.Second}
}

// rs is a token signed with an RSA key under an id.
func rs(t testing.TB, key *rsa.PrivateKey, id string) string {
	t.Helper()
	return sign(t, jwt.SigningMethodRS256, key, good(nil), map[string]any{"kid": id})
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}

func TestSetOfKeysIsFetchedOnce(t *testing.T) {
	p := pairs()
	s := startKeys(t, setOf(t, jwk(t, "a", &p.rsa.PublicKey, "RS256"), jwk(t, "b", &p.ec.PublicKey, ""), jwk(t, "c", p.ed.Public(), "EdDSA")))
	a := running(t, Config{Keys: []Key{s.key(time.Hour)}})
	for range 3 {
		for _, token := range []string{
			rs(t, p.rsa, "a"),
			sign(t, jwt.SigningMethodES256, p.ec, good(nil), map[string]any{"kid": "b"}),
			sign(t, jwt.SigningMethodEdDSA, p.ed, good(nil), map[string]any{"kid": "c"}),
		} {
			if m, code := a.admit(t, token); code != "" || m.User() != "42" {
				t.Fatalf("%q", code)
			}
		}
	}
	for name, token := range map[string]string{
		"key of another id":        rs(t, p.rsa, "b"),
		"none of several keys":     sign(t, jwt.SigningMethodRS256, p.rsa, good(nil), nil),
		"public key as the secret": sign(t, jwt.SigningMethodHS256, []byte(pemOf(t, &p.rsa.PublicKey)), good(nil), map[string]any{"kid": "a"}),
	} {
		if _, code := a.admit(t, token); code != CodeInvalid {
			t.Errorf("%s: %q", name, code)
		}
	}
	if st := a.Stats(); s.requests.Load() != 1 || st.Fetched != 1 || st.Keys != 3 {
		t.Errorf("%d requests, %d counted, %d keys", s.requests.Load(), st.Fetched, st.Keys)
	}
}

func TestOnlyKeyNeedsNoID(t *testing.T) {
	p := pairs()
	s := startKeys(t, setOf(t, jwk(t, "a", &p.rsa.PublicKey, "")))
	a := running(t, Config{Keys: []Key{s.key(time.Hour)}})
	if _, code := a.admit(t, sign(t, jwt.SigningMethodRS256, p.rsa, good(nil), nil)); code != "" {
		t.Errorf("%q", code)
	}
}

// TestNewKeyIsFetchedWhenATokenNamesIt: a rotation needs no restart, and all who come with
// the new key while it is fetched wait for the same request.
func TestNewKeyIsFetchedWhenATokenNamesIt(t *testing.T) {
	p := pairs()
	s := startKeys(t, setOf(t, jwk(t, "old", &p.rsa.PublicKey, "")))
	a := running(t, Config{Keys: []Key{s.key(time.Millisecond)}})
	if _, code := a.admit(t, rs(t, p.rsa, "old")); code != "" {
		t.Fatalf("%q", code)
	}
	rotated := setOf(t, jwk(t, "new", &p.other.PublicKey, ""))
	release := make(chan struct{})
	s.do(func(w http.ResponseWriter, _ *http.Request) {
		<-release
		_, _ = io.WriteString(w, rotated)
	})
	time.Sleep(2 * time.Millisecond) // the interval
	token := rs(t, p.other, "new")
	codes := make(chan Code, 20)
	var asking sync.WaitGroup
	for range cap(codes) {
		asking.Go(func() {
			_, code := a.admit(t, token)
			codes <- code
		})
	}
	eventually(t, "the request", func() bool { return s.requests.Load() == 2 })
	close(release)
	asking.Wait()
	for range cap(codes) {
		if code := <-codes; code != "" {
			t.Errorf("%q", code)
		}
	}
	if n := s.requests.Load(); n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
	if _, code := a.admit(t, rs(t, p.rsa, "old")); code != CodeInvalid {
		t.Errorf("the old key, which is no more in the set: %q", code)
	}
}

// TestStormOfUnknownKeysIsOneRequest in an interval, however many tokens name a key that
// there is not.
func TestStormOfUnknownKeysIsOneRequest(t *testing.T) {
	p := pairs()
	s := startKeys(t, setOf(t, jwk(t, "a", &p.rsa.PublicKey, "")))
	a := running(t, Config{Keys: []Key{s.key(time.Hour)}})
	var storm sync.WaitGroup
	for i := range 8 {
		storm.Go(func() {
			for j := range 200 {
				token := sign(t, jwt.SigningMethodEdDSA, p.ed, good(nil), map[string]any{"kid": fmt.Sprint(i, "-", j)})
				if _, code := a.admit(t, token); code != CodeInvalid {
					t.Errorf("%q", code)
				}
			}
		})
	}
	storm.Wait()
	if n := s.requests.Load(); n != 1 {
		t.Errorf("%d requests for 1,600 unknown keys, want 1", n)
	}
	if _, code := a.admit(t, rs(t, p.rsa, "a")); code != "" {
		t.Errorf("afterwards: %q", code)
	}
}

// inMemory answers requests without a network, for tests in virtual time.
type inMemory func() (int, string)

func (f inMemory) RoundTrip(r *http.Request) (*http.Response, error) {
	status, body := f()
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(body)), Request: r}, r.Context().Err()
}

// TestRequestsAreAnIntervalApart, whatever they are for: unknown keys all the time, failures,
// or sets that have become old.
func TestRequestsAreAnIntervalApart(t *testing.T) {
	p := pairs()
	set := setOf(t, jwk(t, "a", &p.rsa.PublicKey, ""))
	for _, tt := range []struct {
		name   string
		status int
		storm  bool
		want   int // requests in 20 minutes, with an interval of 30 s and a refresh of 10 min
	}{
		{"calm", 200, false, 3}, {"storm", 200, true, 41}, {"away", 503, false, 41}, {"storm while it is away", 503, true, 41},
	} {
		t.Run(tt.name, func(t *testing.T) {
			unknown := rs(t, p.other, "x")
			synctest.Test(t, func(t *testing.T) {
				var times []time.Time
				k := Key{Algorithms: []string{"RS256"}, JWKS: "https://login.example", transport: inMemory(func() (int, string) {
					times = append(times, time.Now())
					return tt.status, set
				})}
				a, err := New(Config{Keys: []Key{k}}, slog.New(slog.DiscardHandler))
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Minute)
				defer cancel()
				done := make(chan struct{})
				go func() {
					defer close(done)
					a.Run(ctx)
				}()
				for tt.storm && ctx.Err() == nil {
					_, _ = a.Admit(ctx, "/", auth(unknown))
					time.Sleep(time.Second)
				}
				<-done
				for i := 1; i < len(times); i++ {
					if apart := times[i].Sub(times[i-1]); apart < 30*time.Second {
						t.Errorf("requests %v apart", apart)
					}
				}
				if n := len(times); n < tt.want-1 || n > tt.want {
					t.Errorf("%d requests in 20 minutes, want %d", n, tt.want)
				}
			})
		})
	}
}

// TestNodeStartsWhileTheServerOfKeysIsAway, is not ready, and gets ready by itself. Later
// it keeps the keys that it has.
func TestNodeStartsWhileTheServerOfKeysIsAway(t *testing.T) {
	p := pairs()
	s := startKeys(t, "")
	s.do(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	a := running(t, Config{Keys: []Key{s.key(10 * time.Millisecond)}})
	token := rs(t, p.rsa, "a")
	if _, code := a.admit(t, token); code != CodeUnavailable {
		t.Fatalf("%q, want %q", code, CodeUnavailable)
	}
	if state, ready := a.State(); ready || state != "no keys yet" {
		t.Errorf("%q, ready %v", state, ready)
	}
	s.serve(setOf(t, jwk(t, "a", &p.rsa.PublicKey, "")))
	eventually(t, "the keys", func() bool { _, ready := a.State(); return ready })
	if _, code := a.admit(t, token); code != "" {
		t.Errorf("%q", code)
	}
	s.do(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	failed := a.Stats().FetchesFailed
	eventually(t, "a failure", func() bool {
		_, code := a.admit(t, rs(t, p.other, "b"))
		return a.Stats().FetchesFailed > failed && code == CodeUnavailable
	})
	if _, code := a.admit(t, token); code != "" {
		t.Errorf("with a key that was fetched before: %q", code)
	}
	if state, ready := a.State(); !ready || a.Stats().KeysAge == 0 {
		t.Errorf("%q, ready %v, age %v", state, ready, a.Stats().KeysAge)
	}
}

func TestNodeWithAnotherKeyIsReadyWithoutTheSet(t *testing.T) {
	s := startKeys(t, "")
	a := build(t, Config{Keys: []Key{hsKey(), s.key(time.Hour)}})
	if state, ready := a.State(); !ready || state != "some keys missing" {
		t.Errorf("%q, ready %v", state, ready)
	}
}

// TestBadAnswersAreNoKeys: each is one failed request, and what was known before stays.
func TestBadAnswersAreNoKeys(t *testing.T) {
	p := pairs()
	set := setOf(t, jwk(t, "a", &p.rsa.PublicKey, ""))
	elsewhere := startKeys(t, set)
	secretKey := `{"keys":[{"kty":"oct","kid":"a","alg":"HS256","k":"` + base64.RawURLEncoding.EncodeToString([]byte(secret)) + `"}]}`
	for name, do := range map[string]func(http.ResponseWriter, *http.Request){
		"10 MB": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(set + strings.Repeat(" ", 10<<20)))
		},
		"nothing":        func(http.ResponseWriter, *http.Request) {},
		"a page":         func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"no keys":        func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"keys":[]}`) },
		"another object": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{}`) },
		"many keys": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"keys":[`+strings.Repeat(`{},`, 100)+strings.TrimPrefix(set, `{"keys":[`))
		},
		"a secret":   func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, secretKey) },
		"a redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) },
		"a failure":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500); _, _ = io.WriteString(w, set) },
		"silence":    func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"half of it": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			_, _ = io.WriteString(w, set)
		},
		"one byte, and no more": func(w http.ResponseWriter, r *http.Request) {
			_, _ = w.Write([]byte("{"))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := startKeys(t, "")
			s.do(do)
			k := s.key(time.Hour)
			k.Timeout = 50 * time.Millisecond
			if name == "10 MB" {
				k.Timeout = patience // it is its size that counts
			}
			a := running(t, Config{Keys: []Key{k}})
			if _, code := a.admit(t, rs(t, p.rsa, "a")); code != CodeUnavailable {
				t.Errorf("%q, want %q", code, CodeUnavailable)
			}
			if st := a.Stats(); st.FetchesFailed != 1 || st.Keys != 0 || s.requests.Load() != 1 {
				t.Errorf("%d failures, %d keys, %d requests", st.FetchesFailed, st.Keys, s.requests.Load())
			}
			if _, code := a.admit(t, hs(t, nil)); code != CodeInvalid {
				t.Errorf("HS256: %q", code)
			}
		})
	}
	if n := elsewhere.requests.Load(); n != 0 {
		t.Errorf("a redirect was followed")
	}
}

func TestOfASetOnlyFittingKeysAreUsed(t *testing.T) {
	p := pairs()
	weak := jwk(t, "weak", &p.rsa.PublicKey, "")
	weak.N = base64.RawURLEncoding.EncodeToString(p.rsa.N.Bytes()[:128])
	encrypts := jwk(t, "encrypts", &p.rsa.PublicKey, "")
	encrypts.USE = jwkset.UseEnc
	signs := jwk(t, "signs", &p.rsa.PublicKey, "")
	signs.KEYOPS = []jwkset.KEYOPS{jwkset.KeyOpsSign}
	elsewhere := jwk(t, "elsewhere", &p.rsa.PublicKey, "RS256")
	elsewhere.X5U, elsewhere.X5C = "http://127.0.0.1:1/", []string{"%"}
	off := jwk(t, "off", &p.ec.PublicKey, "")
	off.Y = off.X // not on the curve
	keys, err := parseSet([]byte(setOf(t,
		jwk(t, "good", &p.rsa.PublicKey, "RS256"), jwk(t, "good", &p.other.PublicKey, "RS256"), jwk(t, "rs512", &p.rsa.PublicKey, "RS512"),
		jwk(t, "ec", &p.ec.PublicKey, "ES256"), jwk(t, "ed", p.ed.Public(), "EdDSA"), weak, encrypts, signs, elsewhere, off,
		jwkset.JWKMarshal{KTY: "unknown", KID: "unknown"}, jwk(t, strings.Repeat("k", 300), &p.rsa.PublicKey, ""),
	)), []string{"RS256", "ES256"})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"good", "ec", "elsewhere"} {
		if _, ok := keys[id]; !ok {
			t.Errorf("%s is missing", id)
		}
	}
	if len(keys) != 3 || !p.rsa.PublicKey.Equal(keys["good"].public) {
		t.Errorf("%d keys, want three, of equal ids the first: %v", len(keys), keys)
	}
}

// TestNothingInATokenIsFetched: no address in a header or a claim is asked.
func TestNothingInATokenIsFetched(t *testing.T) {
	p := pairs()
	s := startKeys(t, setOf(t, jwk(t, "a", &p.rsa.PublicKey, "")))
	evil := startKeys(t, setOf(t, jwk(t, "evil", &p.other.PublicKey, ""), jwk(t, "a", &p.other.PublicKey, "")))
	k := s.key(time.Millisecond)
	k.Issuer = "https://login.example"
	a := running(t, Config{Keys: []Key{k}})
	eventually(t, "the keys", func() bool { _, ready := a.State(); return ready })
	mine := jwk(t, "evil", &p.other.PublicKey, "")
	for name, value := range map[string]any{"jku": evil.URL, "x5u": evil.URL, "jwk": mine, "x5c": []string{"AAAA"}, "kid": evil.URL} {
		for _, issuer := range []string{"https://login.example", evil.URL, evil.URL + "/.well-known/openid-configuration"} {
			header := map[string]any{"kid": "evil"}
			header[name] = value
			token := sign(t, jwt.SigningMethodRS256, p.other, good(jwt.MapClaims{"iss": issuer, "aud": evil.URL}), header)
			if _, code := a.admit(t, token); code != CodeInvalid {
				t.Errorf("%s, issuer %s: %q", name, issuer, code)
			}
		}
	}
	if n := evil.requests.Load(); n != 0 {
		t.Errorf("%d requests to an address in a token", n)
	}
	before := s.requests.Load()
	for range 5 {
		time.Sleep(2 * time.Millisecond)
		a.admit(t, sign(t, jwt.SigningMethodRS256, p.other, good(jwt.MapClaims{"iss": "another"}), map[string]any{"kid": "theirs"}))
	}
	if n := s.requests.Load(); n != before {
		t.Errorf("tokens of another issuer caused %d requests", n-before)
	}
}

func TestNobodyWaitsForKeysAfterTheEnd(t *testing.T) {
	s := startKeys(t, "")
	a := build(t, Config{Keys: []Key{s.key(time.Millisecond)}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a.Run(ctx)
	if _, code := a.admit(t, rs(t, pairs().rsa, "a")); code != CodeUnavailable {
		t.Errorf("%q", code)
	}
}
