package engineio

import (
	"compress/gzip"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// replyPoll writes the answer to a GET: a payload, compressed when that is wanted.
func (s *Server) replyPoll(w http.ResponseWriter, r *http.Request, batch []*Message, initial bool) error {
	buf := getBuffer()
	defer putBuffer(buf)
	*buf = appendPayload((*buf)[:0], batch)
	s.stats.out(Polling, len(batch), len(*buf))

	compress := false
	for _, m := range batch {
		compress = compress || !m.NoCompress
	}
	s.addHeaders(w, r, initial)
	if compress && s.cfg.CompressAbove > 0 && len(*buf) >= s.cfg.CompressAbove && acceptsGzip(r) {
		zipped := getBuffer()
		defer putBuffer(zipped)
		*zipped = gzipped((*zipped)[:0], *buf)
		w.Header().Set("Content-Encoding", "gzip")
		w.Header().Add("Vary", "Accept-Encoding")
		return s.reply(w, http.StatusOK, "text/plain; charset=UTF-8", *zipped)
	}
	return s.reply(w, http.StatusOK, "text/plain; charset=UTF-8", *buf)
}

// reply writes a whole answer, within the time that a client may be silent.
func (s *Server) reply(w http.ResponseWriter, status int, contentType string, body []byte) error {
	rc := http.NewResponseController(w)
	_ = rc.SetWriteDeadline(time.Now().Add(s.cfg.PingInterval + s.cfg.PingTimeout))
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if len(body) > 0 {
		if _, err := w.Write(body); err != nil {
			return err
		}
	}
	if err := rc.Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	_ = rc.SetWriteDeadline(time.Time{}) // the connection may go on to serve others
	return nil
}
func acceptsGzip(r *http.Request) bool {
	for _, v := range r.Header.Values("Accept-Encoding") {
		for coding := range strings.SplitSeq(v, ",") {
			name, q, _ := strings.Cut(coding, ";")
			weight, ok := strings.CutPrefix(strings.TrimSpace(q), "q=")
			if strings.TrimSpace(name) == "gzip" && !(ok && strings.Trim(weight, "0.") == "") {
				return true
			}
		}
	}
	return false
}

var gzipWriters = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is legal
	return w
}}

type appender struct{ b []byte }

func (a *appender) Write(p []byte) (int, error) { a.b = append(a.b, p...); return len(p), nil }

func gzipped(dst, src []byte) []byte {
	z := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(z)
	a := &appender{b: dst}
	z.Reset(a)
	_, _ = z.Write(src) // an appender does not fail
	_ = z.Close()
	return a.b
}

// keepBuffer is the largest buffer that goes back to the pool.
const keepBuffer = 64 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

func getBuffer() *[]byte { return buffers.Get().(*[]byte) }

func putBuffer(b *[]byte) {
	if cap(*b) <= keepBuffer {
		buffers.Put(b)
	}
}
