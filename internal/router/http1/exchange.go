package http1

import (
	"errors"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// restTime is how long a client may take for the rest of a body that nobody wants.
const restTime = 5 * time.Second

var errOver = errors.New("the handler has returned")

// exchange is one request and its answer. It is made anew for each, since a
// handler may have left somebody behind who holds its context, body or writer.
type exchange struct {
	conn *conn
	ctx  requestContext
	url  url.URL
	body body
	w    response
	// scratch is the memory that goes back.
	scratch *scratch
	// version10 is that the client speaks HTTP/1.0, toHead that it asked for the
	// head of the answer only.
	version10, toHead bool
	// closing is that the connection ends with the exchange.
	closing bool
	// returned is true once the handler has.
	returned bool
}

// scratch are the headers of an exchange.
type scratch struct {
	request         http.Request
	asked, answered http.Header
	values          []string
}

var scratches = sync.Pool{New: func() any { return &scratch{asked: http.Header{}, answered: http.Header{}} }}

// maxKept is how many headers a scratch may have had: maps do not shrink.
const maxKept = 64

func (s *scratch) release() {
	if len(s.asked) > maxKept || len(s.answered) > maxKept {
		return
	}
	clear(s.asked)
	clear(s.answered)
	clear(s.values)
	s.values = s.values[:0]
	s.request = http.Request{}
	scratches.Put(s)
}

var chunkedOnly = []string{"chunked"}

// newExchange reads the head, which ends after its empty line.
func (c *conn) newExchange(head string) (*exchange, *http.Request, *fault) {
	end := strings.IndexByte(head, '\n')
	if end < 1 || head[end-1] != '\r' {
		return nil, nil, bad("the request line does not end in CRLF")
	}
	line, fault := parseLine(head[:end-1])
	if fault != nil {
		return nil, nil, fault
	}
	x := &exchange{conn: c, version10: line.version10, toHead: line.method == http.MethodHead}
	if fault := parseTarget(&x.url, line.method, line.target); fault != nil {
		return nil, nil, fault
	}
	s := scratches.Get().(*scratch)
	f, fault := parseFields(head[end+1:len(head)-2], s.asked, &s.values)
	if fault == nil {
		fault = f.check(line.version10)
	}
	if fault != nil {
		s.release()
		return nil, nil, fault
	}
	x.scratch = s
	x.begin(&f)
	s.request = x.request(&line, &f)
	return x, s.request.WithContext(&x.ctx), nil
}

func (x *exchange) begin(f *fields) {
	x.closing = f.close || x.version10 && !f.keep
	x.w = response{x: x, header: x.scratch.answered}
	x.body = body{x: x, chunked: f.chunked, remaining: max(f.length, 0), done: !f.chunked && f.length <= 0}
	x.body.asked = f.expected > 0 && !x.version10 && !x.body.done
}

func (x *exchange) request(line *requestLine, f *fields) http.Request {
	r := http.Request{
		Method: line.method, URL: &x.url, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: x.scratch.asked,
		Body: http.NoBody, ContentLength: x.body.remaining, Close: x.closing,
		Host: f.host, RemoteAddr: x.conn.remote, RequestURI: line.target,
	}
	if x.version10 {
		r.Proto, r.ProtoMinor = "HTTP/1.0", 0
	}
	if x.url.Host != "" {
		r.Host = x.url.Host
	}
	if f.chunked {
		r.ContentLength, r.TransferEncoding = -1, chunkedOnly
	}
	if !x.body.done {
		r.Body = &x.body
	}
	return r
}

// run serves the request, and reports whether the connection can serve another.
func (x *exchange) run(r *http.Request) (again bool) {
	c := x.conn
	c.readBy.wanted, c.writeBy.wanted = 0, 0
	if x.body.done {
		x.bodyRead()
	}
	defer x.ctx.cancel()
	if !x.handle(r) {
		return false // an answer that has begun must not look whole
	}
	x.returned, x.body.closed = true, true
	x.w.finish()
	c.disarm()
	x.ctx.cancel()
	x.scratch.release()
	if x.closing && x.body.done {
		return false
	}
	if x.closing || !x.body.drain() {
		c.linger()
		return false
	}
	return true
}

// bodyRead is called when the body is at its end: from then on the connection is
// watched, if the handler runs on.
func (x *exchange) bodyRead() {
	x.conn.in.release()
	if !x.returned {
		x.conn.arm(&x.ctx)
	}
}

// handle runs the handler, and reports whether it returned.
func (x *exchange) handle(r *http.Request) (returned bool) {
	defer func() {
		if returned {
			return
		}
		x.w.release()
		x.w.over, x.body.closed = true, true
		if v := recover(); v != nil && v != http.ErrAbortHandler { //nolint:errorlint // as net/http does: a panic is no error chain
			x.conn.server.log().Error("a handler panicked", "client", x.conn.remote, "panic", v, "stack", string(debug.Stack()))
		}
	}()
	x.conn.server.Handler.ServeHTTP(&x.w, r)
	return true
}
