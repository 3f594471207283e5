package router

import (
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/tiershift/tiershift/internal/provider/patch"
)

// growFirst is how much is taken on trust of a Content-Length: memory follows
// what a client sends, not what it announces.
const growFirst = 1 << 20

// readBody reads the whole body into the scratch buffer. The whole, before any
// upstream is called: an upstream that answers early could otherwise cut what
// the client still sends, and a failed attempt could not be repeated.
func (x *exchange) readBody() ([]byte, *apiError) {
	limit := x.server.options.MaxBodyBytes
	if x.r.ContentLength > limit {
		return nil, x.tooLarge(limit)
	}
	restore := x.bodyDeadline()
	buf := x.scratch.body[:0]
	if n := x.r.ContentLength; n > 0 {
		buf = slices.Grow(buf, int(min(n+1, growFirst))) // one more, so that the end is seen without growing
	}
	for {
		if len(buf) == cap(buf) {
			buf = slices.Grow(buf, max(cap(buf), 4<<10))
		}
		n, err := x.r.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		x.scratch.body = buf
		if int64(len(buf)) > limit {
			return nil, x.tooLarge(limit)
		}
		if errors.Is(err, io.EOF) {
			restore()
			return buf, nil
		}
		if err != nil {
			return nil, x.bodyError(err)
		}
	}
}

// bodyDeadline bounds the reading of bodies that may not have arrived yet.
func (x *exchange) bodyDeadline() (restore func()) {
	if x.r.ContentLength == 0 {
		return func() {}
	}
	control := http.NewResponseController(x.w)
	if control.SetReadDeadline(x.server.now().Add(x.server.options.BodyTimeout)) != nil {
		return func() {} // not a network connection
	}
	return func() { _ = control.SetReadDeadline(time.Time{}) }
}

func (x *exchange) tooLarge(limit int64) *apiError {
	x.w.Header()["Connection"] = connectionClose // the rest of the body is not worth reading
	err := badRequest("request_too_large", "", "the request body exceeds the limit of %d bytes", limit)
	err.status = http.StatusRequestEntityTooLarge
	return err
}

func (x *exchange) bodyError(err error) *apiError {
	x.w.Header()["Connection"] = connectionClose
	if errors.Is(err, os.ErrDeadlineExceeded) {
		out := badRequest("request_timeout", "", "the request body did not arrive within %s", x.server.options.BodyTimeout)
		out.status = http.StatusRequestTimeout
		return out
	}
	return badRequest("body_unreadable", "", "the request body ended before it was complete")
}

func scanError(err error) *apiError {
	var bad *patch.RequestError
	if errors.As(err, &bad) {
		return badRequest("invalid_request", bad.Param, "%s", bad.Error())
	}
	return badRequest("invalid_request", "", "%s", err)
}
