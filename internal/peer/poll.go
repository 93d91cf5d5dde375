package peer

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// servePoll forwards a request that is not an upgrade: a GET that is held, or a POST.
func (f *Forwarder) servePoll(w http.ResponseWriter, r *http.Request, n *known) {
	began := time.Now()
	f.enter(r, n)
	defer f.leave(r)
	ctx, cancel := context.WithCancel(r.Context()) // a client that goes away takes its request with it
	defer cancel()
	defer context.AfterFunc(n.gone, cancel)()

	out := f.outgoing(ctx, r, n)
	body := &upload{ReadCloser: r.Body}
	if r.ContentLength != 0 {
		out.Body, out.ContentLength = body, r.ContentLength
		defer body.release(w)
	}
	resp, err := f.transport.RoundTrip(out)
	if err != nil {
		f.broken(w, r, f.failed(r, n, err))
		return
	}
	defer resp.Body.Close()
	took, ok := ownTime(resp)
	if !ok {
		f.log.Error("node refused a forwarded request: is its cluster key another?", "node", n.tag, "address", n.Address, "status", resp.StatusCode)
		f.broken(w, r, failRefused)
		return
	}
	kind := kindOf(r)
	f.stats.forwarded[kind].Add(1)
	f.cfg.ObserveAdded(kindNames[kind], time.Since(began)-took)
	if out.Body != nil && !body.ended.Load() {
		resp.Close = true // what is left of the body would be taken for the next request
	}
	f.answer(w, resp)
}

// upload is a request's body on its way. The transport may still read it when the
// answer has come.
type upload struct {
	io.ReadCloser
	ended atomic.Bool
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	n, err := u.ReadCloser.Read(p)
	if err != nil {
		u.ended.Store(true)
	}
	return n, err
}

// Close is for the transport, which may call it when the handler has returned.
func (u *upload) Close() error { return nil }

// release ends a reading that nobody needs any more, before the handler returns.
func (u *upload) release(w http.ResponseWriter) {
	if !u.ended.Load() {
		rc := http.NewResponseController(w)
		_ = rc.Flush() // the client may wait for the answer before it sends more
		_ = rc.SetReadDeadline(time.Unix(1, 0))
	}
	u.ReadCloser.Close()
}

// broken ends a request that its session's owner has not answered.
func (f *Forwarder) broken(w http.ResponseWriter, r *http.Request, why failure) {
	if why == failClient {
		f.stats.failed[why].Add(1)
		panic(http.ErrAbortHandler) // nobody is there to answer
	}
	f.refuse(w, r, why)
}

// ownTime is the time that the owner's handler took until its answer began. false says
// that the answer is not one of a Receiver that took the request.
func ownTime(resp *http.Response) (time.Duration, bool) {
	ns, err := strconv.ParseInt(resp.Header.Get(headerTook), 10, 64)
	return time.Duration(ns), err == nil && ns >= 0
}

func kindOf(r *http.Request) int {
	switch r.Method {
	case http.MethodGet:
		return kindGet
	case http.MethodPost:
		return kindPost
	}
	return kindOther
}

// answer passes the owner's answer on as it arrives.
func (f *Forwarder) answer(w http.ResponseWriter, resp *http.Response) {
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(f.cfg.Patience))
	h := w.Header()
	for name, values := range endToEnd(resp.Header) {
		h[name] = values
	}
	if resp.Close || f.draining.Load() {
		h.Set("Connection", "close")
	}
	w.WriteHeader(resp.StatusCode)
	buf := chunks.Get().(*[]byte)
	defer chunks.Put(buf)
	if _, err := io.CopyBuffer(plainWriter{w}, resp.Body, *buf); err != nil {
		panic(http.ErrAbortHandler) // the client must not take a part for the whole
	}
}

// plainWriter hides ReadFrom, which would take a larger buffer.
type plainWriter struct{ io.Writer }

var chunks = sync.Pool{New: func() any { b := make([]byte, 8<<10); return &b }}
