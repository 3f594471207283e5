package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"github.com/tiershift/tiershift/internal/router/message"
)

// Response is an answer whose head has arrived and whose body is on its way. It
// is for one goroutine at a time, and has to be closed.
type Response struct {
	StatusCode int
	// ContentLength is the length of the body, or -1 if it is not known.
	ContentLength int64

	ctx    context.Context
	limits limits
	conn   *conn
	// stop keeps the end of the context from closing the connection. It is nil
	// if the context has no end.
	stop   func() bool
	upload *upload
	// reused is true on a connection from the pool, sent once a byte of the
	// request has left, answered once one of the answer has come.
	reused, sent, answered bool

	head head
	body body
	// buffers are the memory that goes back: the first holds the head.
	buffers [2]*buffer
	// space is what the body is read to, ready the content that has been.
	space, ready []byte
	// err is what every further read returns.
	err error
}

// bufferSize takes a usual head and a few events of a stream. It is what a
// stream costs as long as it lasts.
const bufferSize = 4 << 10

type buffer [bufferSize]byte

var buffers = sync.Pool{New: func() any { return new(buffer) }}

func newResponse(ctx context.Context, t *Timeouts) *Response {
	return &Response{ctx: ctx, limits: newLimits(t)}
}

// Header returns the first value of the header, or "". After Close it is "".
func (r *Response) Header(name string) string {
	for lines := r.head.lines; len(lines) > 0; {
		var key, value []byte
		key, value, lines = message.CutField(lines)
		if message.SameName(key, name) {
			return string(value)
		}
	}
	return ""
}

// EachHeader calls f with each header line, in the order in which they came. The
// slices are valid until Close.
func (r *Response) EachHeader(f func(name, value []byte)) {
	for lines := r.head.lines; len(lines) > 0; {
		var name, value []byte
		name, value, lines = message.CutField(lines)
		f(name, value)
	}
}

// Next returns what has arrived of the body and was not yet returned, or waits
// for some. It is never empty without an error, valid until the next call, and
// may be changed by the caller. The end is io.EOF, and a body that breaks off an
// error that wraps io.ErrUnexpectedEOF.
func (r *Response) Next() ([]byte, error) {
	for len(r.ready) == 0 {
		if err := r.ended(); err != nil {
			return nil, err
		}
		r.ready = r.pull(r.bodySpace())
	}
	content := r.ready
	r.ready = nil
	return content, nil
}

// minDirect is the least that Read reads straight into its caller's memory.
const minDirect = 512

// Read implements io.Reader. Like Next it returns what has arrived.
func (r *Response) Read(p []byte) (int, error) {
	for len(r.ready) == 0 {
		if err := r.ended(); err != nil {
			return 0, err
		}
		if len(p) >= minDirect {
			if content := r.pull(p); len(content) > 0 {
				return len(content), nil
			}
			continue
		}
		if len(p) == 0 {
			return 0, nil
		}
		r.ready = r.pull(r.bodySpace())
	}
	n := copy(p, r.ready)
	r.ready = r.ready[n:]
	return n, nil
}

// ReadAll appends what is left of the body to dst, reading straight into its
// spare capacity. It returns ErrBodyTooLarge, and the first limit bytes, if there
// are more, and otherwise the errors of Next, and what came before them.
func (r *Response) ReadAll(dst []byte, limit int64) ([]byte, error) {
	// What a peer announces is taken on trust up to a bound; beyond that, memory
	// follows what it sends.
	const trusted, least = 1 << 20, 4 << 10
	begin := len(dst)
	if r.body.framing == byLength {
		dst = slices.Grow(dst, int(min(r.body.remaining+int64(len(r.ready)), limit, trusted)))
	}
	dst = append(dst, r.ready...)
	r.ready = nil
	for {
		if int64(len(dst)-begin) > limit {
			return dst[:begin+int(limit)], ErrBodyTooLarge
		}
		if err := r.ended(); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return dst, err
		}
		if len(dst) == cap(dst) {
			dst = slices.Grow(dst, max(least, len(dst)))
		}
		content := r.pull(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+len(content)]
	}
}

// EOF reports whether an error of Next or Read is the end of a whole body.
func (r *Response) EOF(err error) bool { return r.body.done && errors.Is(err, io.EOF) }

// Whole reports whether the whole body was returned, so that Next does not wait.
func (r *Response) Whole() bool { return r.err == nil && r.body.done && len(r.ready) == 0 }

// Close gives the connection back for the next request if the body was read to
// its end and the server keeps the connection, and otherwise closes it.
func (r *Response) Close() {
	if cn := r.conn; cn != nil {
		reusable := r.err == nil && r.body.done && !r.body.extra && r.head.keep
		if reusable && r.uploaded() && (r.stop == nil || r.stop()) {
			cn.lifetime = r.head.lifetime - r.head.lifetime/4 // not to be used just as the server closes it
			cn.client.pool.put(cn)
			r.conn, r.stop = nil, nil
			r.releaseBuffers()
		} else {
			r.discard()
		}
	}
	r.err = ErrClosed
}

// ended returns why there is nothing more to read, if so.
func (r *Response) ended() error {
	if r.err == nil && r.body.done {
		return io.EOF
	}
	return r.err
}

// pull reads once into p and takes the framing off what came. Nothing may come
// of it: only framing, or an end that ended reports from then on.
func (r *Response) pull(p []byte) []byte {
	err := r.conn.setDeadline(r.limits.body())
	n := 0
	if err == nil {
		n, err = r.conn.stream.Read(p) // an error beside bytes comes again
	}
	if n > 0 {
		return r.take(p[:n])
	}
	if r.body.framing == untilClose && errors.Is(err, io.EOF) && r.ctx.Err() == nil {
		r.body.done = true
		return nil
	}
	r.err = r.failure(opBody, err)
	r.conn.close()
	return nil
}

// take decodes what was read of the body.
func (r *Response) take(p []byte) []byte {
	content, err := r.body.decode(p)
	if err != nil {
		r.err = err
		r.conn.close()
	}
	return content
}

// bodySpace is the memory behind the head, or a second buffer if the head is
// long.
func (r *Response) bodySpace() []byte {
	const least = 1 << 10
	if len(r.space) < least {
		r.buffers[1] = buffers.Get().(*buffer)
		r.space = r.buffers[1][:]
	}
	return r.space
}

func (r *Response) releaseBuffers() {
	for i, b := range r.buffers {
		if b != nil {
			buffers.Put(b)
			r.buffers[i] = nil
		}
	}
	r.head.lines, r.space, r.ready = nil, nil, nil
}

// maxHeads is how many heads one answer may have, the last of which is the one
// that counts.
const maxHeads = 8

// readHead reads up to the end of the first head that is not informational.
func (r *Response) readHead() error {
	r.buffers[0] = buffers.Get().(*buffer)
	in := input{buf: r.buffers[0][:], max: r.conn.client.options.MaxHeaderBytes}
	for range maxHeads {
		end, err := r.awaitHead(&in)
		if err != nil {
			return err
		}
		if r.head, err = parseHead(in.buf[:end]); err != nil {
			return err
		}
		switch {
		case r.head.status == 101:
			return malformed("it switches protocols, which was not asked for")
		case r.head.status >= 200:
			r.StatusCode, r.ContentLength = r.head.status, r.head.length
			r.body = newBody(r.head.framing, r.head.length)
			r.space = in.buf[end:]
			r.ready = r.take(in.buf[end:in.filled])
			return nil
		}
		in.filled = copy(in.buf, in.buf[end:in.filled])
	}
	return malformed("informational answers without an end")
}

// input is what has arrived of heads, in a buffer that grows up to max.
type input struct {
	buf         []byte
	filled, max int
}

// awaitHead reads until a whole head is there, and returns where it ends.
func (r *Response) awaitHead(in *input) (end int, err error) {
	for scanned := 0; ; {
		got := in.buf[:in.filled]
		i := bytes.Index(got[scanned:], endOfHead)
		if end = scanned + i + len(endOfHead); i >= 0 && end <= in.max {
			return end, nil
		}
		if in.filled > in.max {
			return 0, malformed("the head is too large")
		}
		if !bytes.HasPrefix(startOfHead, got[:min(len(got), len(startOfHead))]) {
			return 0, malformed("it is not HTTP/1")
		}
		scanned = max(0, in.filled-len(endOfHead)+1)
		if in.filled == len(in.buf) {
			in.buf = append(make([]byte, 0, 2*len(in.buf)), in.buf...)
			in.buf = in.buf[:cap(in.buf)]
		}
		n, err := r.conn.stream.Read(in.buf[in.filled:])
		if n == 0 {
			return 0, r.failure(opHead, err)
		}
		in.filled += n
		r.answered, r.sent = true, true
	}
}
