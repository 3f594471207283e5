package upstream

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"
)

// Response is an answer whose body is still to be read. It is not safe for
// concurrent use.
type Response struct {
	StatusCode int
	// ContentLength is -1 when the head does not say.
	ContentLength int64

	head  head
	conn  *conn // nil: given back or closed
	ctx   context.Context
	clock clock
	stop  func() bool

	framing   framing
	remaining int64 // of the body, or of the current chunk
	chunk     chunkState
	ended     bool
	mustClose bool
	// answered is true once a byte of the body has come.
	answered bool
	// armed is when the read deadline was set last.
	armed time.Time
}

type framing uint8

const (
	framedByLength framing = iota
	framedByChunks
	framedByClose
)

// readBuffer is what was read and not yet handed on: data[r:w].
type readBuffer struct {
	data []byte
	r, w int
}

// bufferSize fits common events of a stream, and keeps thousands of streams
// small.
const bufferSize = 8 << 10

var readBuffers = sync.Pool{New: func() any { return &readBuffer{data: make([]byte, bufferSize)} }}

func (cn *conn) acquireBuffer() {
	if cn.buffer == nil {
		cn.buffer = readBuffers.Get().(*readBuffer)
		cn.buffer.r, cn.buffer.w = 0, 0
	}
}

func (cn *conn) releaseBuffer() {
	if cn.buffer != nil && len(cn.buffer.data) == bufferSize {
		readBuffers.Put(cn.buffer)
	}
	cn.buffer = nil
}

// watch makes the end of the context end every read and write at once.
func (r *Response) watch() {
	if r.ctx.Done() == nil {
		return
	}
	connection := r.conn.net
	r.stop = context.AfterFunc(r.ctx, func() { _ = connection.SetDeadline(longAgo) })
}

var longAgo = time.Unix(1, 0)

// unwatch reports whether the context had not ended.
func (r *Response) unwatch() bool { return r.stop == nil || r.stop() }

// setDeadline sets the deadline of reads and writes. If the context has ended,
// what watch set must not be undone.
func (r *Response) setDeadline(at time.Time) {
	_ = r.conn.net.SetDeadline(at) // a closed connection fails at the next read
	if r.ctx.Err() != nil {
		_ = r.conn.net.SetDeadline(longAgo)
	}
}

// fill reads once, whatever comes. It makes room by moving or growing.
func (r *Response) fill() error {
	b := r.conn.buffer
	if b.r == b.w {
		b.r, b.w = 0, 0
	}
	if b.w == len(b.data) {
		if b.r > 0 {
			b.w = copy(b.data, b.data[b.r:b.w])
			b.r = 0
		} else {
			b.data = slices.Grow(b.data, len(b.data))[:2*len(b.data)]
		}
	}
	n, err := r.conn.net.Read(b.data[b.w:])
	b.w += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// begin decides how the body is framed (RFC 9112, section 6.3).
func (r *Response) begin(h head) {
	r.head, r.StatusCode, r.ContentLength = h, h.status, h.length
	r.mustClose = r.mustClose || !h.keepAlive
	switch {
	case h.status == 204 || h.status == 304:
		r.ended, r.ContentLength = true, 0
	case h.chunked:
		r.framing = framedByChunks
	case h.length >= 0:
		r.framing, r.remaining = framedByLength, h.length
		r.ended = h.length == 0
	default:
		r.framing, r.mustClose = framedByClose, true
	}
}

// Header returns the first value of a header, or "".
func (r *Response) Header(name string) string { return r.head.lookup(name) }

// Next returns the bytes of the body that are there, and waits only while there
// are none. They are valid until the next call. The end of the body is io.EOF.
func (r *Response) Next() ([]byte, error) {
	for {
		if r.conn == nil || r.ended {
			return nil, io.EOF
		}
		data, err := r.buffered()
		if err != nil {
			return nil, r.fail(err)
		}
		if len(data) > 0 || r.ended {
			if len(data) == 0 {
				return nil, io.EOF
			}
			return data, nil
		}
		if err := r.await(); err != nil {
			return nil, err
		}
	}
}

// await reads more of the body.
func (r *Response) await() error {
	r.arm()
	err := r.fill()
	if err == nil {
		r.answered = true
		return nil
	}
	if r.framing == framedByClose && errors.Is(err, io.EOF) {
		r.ended = true
		return nil
	}
	return r.fail(err)
}

// arm sets the read deadline, when the one that is set has grown old.
func (r *Response) arm() {
	if !r.answered || r.clock.idle <= 0 {
		return // the deadline of the first byte, or of the whole, stands
	}
	now := time.Now()
	if now.Sub(r.armed) < r.clock.idle/8 {
		return
	}
	r.armed = now
	at := now.Add(r.clock.idle + r.clock.idle/8)
	if !r.clock.total.IsZero() && r.clock.total.Before(at) {
		at = r.clock.total
	}
	r.setDeadline(at)
}

func (r *Response) fail(err error) error {
	r.mustClose, r.ended = true, true
	return r.explain(err, true)
}

// buffered takes what the buffer holds of the body.
func (r *Response) buffered() ([]byte, error) {
	b := r.conn.buffer
	switch r.framing {
	case framedByLength:
		n := int(min(int64(b.w-b.r), r.remaining))
		data := b.data[b.r : b.r+n]
		b.r += n
		r.remaining -= int64(n)
		r.ended = r.remaining == 0
		r.answered = r.answered || n > 0
		return data, nil
	case framedByChunks:
		data, err := r.dechunk(b)
		r.answered = r.answered || len(data) > 0
		return data, err
	default:
		data := b.data[b.r:b.w]
		b.r = b.w
		return data, nil
	}
}

// ReadAll appends the whole body to dst, at most limit bytes of it: beyond, it
// fails with ErrBodyTooLarge. Large bodies are read in place, past the buffer.
func (r *Response) ReadAll(dst []byte, limit int64) ([]byte, error) {
	if r.ContentLength > limit {
		r.mustClose = true
		return dst, ErrBodyTooLarge
	}
	const trusted = 1 << 20 // memory follows what comes, not what was announced
	if n := r.ContentLength; n > 0 {
		dst = slices.Grow(dst, int(min(n, trusted)))
	}
	start := len(dst)
	for {
		data, err := r.Next()
		dst = append(dst, data...)
		if errors.Is(err, io.EOF) {
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
		if int64(len(dst)-start) > limit {
			r.mustClose = true
			return dst[:start+int(limit)], ErrBodyTooLarge
		}
		if r.framing == framedByLength && !r.ended {
			if dst, err = r.readStraight(dst); err != nil {
				return dst, err
			}
		}
	}
}

// readStraight reads the rest of a body of known length into dst.
func (r *Response) readStraight(dst []byte) ([]byte, error) {
	for r.remaining > 0 {
		if len(dst) == cap(dst) {
			dst = slices.Grow(dst, int(min(r.remaining, 1<<20)))
		}
		r.arm()
		room := dst[len(dst):min(int64(cap(dst)), int64(len(dst))+r.remaining)]
		n, err := r.conn.net.Read(room)
		dst = dst[:len(dst)+n]
		r.remaining -= int64(n)
		r.answered = r.answered || n > 0
		if err != nil && r.remaining > 0 {
			return dst, r.fail(err)
		}
	}
	r.ended = true
	return dst, nil
}

// EOF reports whether the error is the regular end of the body.
func (r *Response) EOF(err error) bool { return errors.Is(err, io.EOF) }

// Close gives the connection back if the body was read to its end, and closes
// it otherwise. It may be called more than once.
func (r *Response) Close() {
	cn := r.conn
	if cn == nil {
		return
	}
	r.conn = nil
	if !r.unwatch() || !r.ended || r.mustClose || cn.buffer.r != cn.buffer.w {
		cn.close()
		return
	}
	cn.releaseBuffer()
	cn.client.put(cn)
}

// cancelled is the end of the context, with what had been sent by then.
type cancelled struct {
	cause error
	sent  bool
}

func (e *cancelled) Error() string { return "cancelled: " + e.cause.Error() }
func (e *cancelled) Unwrap() error { return e.cause }
