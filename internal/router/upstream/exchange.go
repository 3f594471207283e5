package upstream

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"time"
)

// Timeouts bound one exchange; 0: no bound.
type Timeouts struct {
	// FirstByte is counted from the start of Do to the first byte of the body,
	// or to the end of the head where there is no body.
	FirstByte time.Duration
	// Idle is the longest silence within the body. It may be noticed up to an
	// eighth late, since timers are not set anew for every read.
	Idle time.Duration
	// Total bounds the whole exchange.
	Total time.Duration
}

// Request is one request. Nothing of it is kept after Do has returned.
type Request struct {
	Method string
	// Path is appended to the path of the base URL.
	Path string
	// Head holds further header lines, each ended by CRLF. The caller vouches
	// for them: see ValidValue.
	Head []byte
	// Body is sent piece by piece without being copied; ContentLength is the sum
	// of the pieces.
	Body          [][]byte
	ContentLength int64
	Timeouts      Timeouts
}

// ValidValue reports whether a header value stays within its line.
func ValidValue(value string) bool {
	for i := range len(value) {
		if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// Do sends the request and returns once the head of the answer is there. The
// caller closes the Response. When the context ends, whatever is under way ends
// at once and the connection is closed.
//
// A connection that was kept from an earlier request may have been closed by
// the peer meanwhile. If it fails before the request was written whole, or ends
// without a single byte of an answer, the request is sent once more on a fresh
// one. It is the one case in which a request is repeated.
func (c *Client) Do(ctx context.Context, r *Request) (*Response, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	clock := newClock(&r.Timeouts)
	if cn := c.take(clock.started); cn != nil {
		resp, stale, err := c.exchange(ctx, cn, r, &clock)
		if !stale {
			return resp, err
		}
	}
	cn, err := c.dial(ctx, clock.total)
	if err != nil {
		return nil, err
	}
	resp, _, err := c.exchange(ctx, cn, r, &clock)
	return resp, err
}

// clock knows the deadlines of an exchange.
type clock struct {
	started   time.Time
	firstByte time.Time // zero: none
	total     time.Time // zero: none
	idle      time.Duration
}

func newClock(t *Timeouts) clock {
	c := clock{started: time.Now(), idle: t.Idle}
	if t.Total > 0 {
		c.total = c.started.Add(t.Total)
	}
	if c.firstByte = c.total; t.FirstByte > 0 {
		if c.firstByte = c.started.Add(t.FirstByte); !c.total.IsZero() && c.total.Before(c.firstByte) {
			c.firstByte = c.total
		}
	}
	return c
}

// exchange sends on a connection and reads the head. stale is true when a kept
// connection turned out to be dead before any answer.
func (c *Client) exchange(ctx context.Context, cn *conn, r *Request, clock *clock) (resp *Response, stale bool, err error) {
	kept := !cn.idleSince.IsZero()
	resp = &Response{conn: cn, ctx: ctx, clock: *clock}
	cn.acquireBuffer()
	resp.watch()
	resp.setDeadline(clock.firstByte)
	written := cn.write(c, r)
	if written != nil && (kept || isTimeout(written) || ctx.Err() != nil) {
		err := resp.abort(written, false)
		return nil, kept && ctx.Err() == nil && !isTimeout(written), err
	}
	if written != nil {
		// The peer may have answered without waiting for the whole request.
		resp.setDeadline(time.Now().Add(time.Second))
		resp.mustClose = true
	}
	if err := resp.readHead(); err != nil {
		if written != nil {
			return nil, false, resp.abort(written, false)
		}
		nothing := cn.buffer.r == cn.buffer.w && isGone(err)
		err = resp.abort(err, true)
		return nil, kept && nothing && ctx.Err() == nil, err
	}
	return resp, false, nil
}

// write sends head and body.
func (cn *conn) write(c *Client, r *Request) error {
	scratch := writeScratch.Get().(*[]byte)
	defer writeScratch.Put(scratch)
	head := (*scratch)[:0]
	head = append(append(append(append(append(head, r.Method...), ' '), c.target...), r.Path...), " HTTP/1.1\r\n"...)
	head = append(append(head, c.head...), r.Head...)
	head = strconv.AppendInt(append(head, "Content-Length: "...), r.ContentLength, 10)
	head = append(head, "\r\n\r\n"...)
	defer func() { *scratch = head }()
	if !cn.secure {
		vector := make(net.Buffers, 0, 16)
		vector = append(append(vector, head), r.Body...)
		_, err := vector.WriteTo(cn.net)
		return err
	}
	// Every write becomes a TLS record: small pieces go together.
	for _, piece := range r.Body {
		if len(head)+len(piece) <= maxRecord {
			head = append(head, piece...)
			continue
		}
		if _, err := cn.net.Write(head); err != nil {
			return err
		}
		head = head[:0]
		if len(piece) > maxRecord/2 {
			if _, err := cn.net.Write(piece); err != nil {
				return err
			}
			continue
		}
		head = append(head, piece...)
	}
	if len(head) == 0 {
		return nil
	}
	_, err := cn.net.Write(head)
	return err
}

// maxRecord is the most that a TLS record holds (RFC 8446, section 5.1).
const maxRecord = 16 << 10

var writeScratch = sync.Pool{New: func() any {
	b := make([]byte, 0, 1<<10)
	return &b
}}

// readHead reads up to the first final head, passing over 1xx answers.
func (r *Response) readHead() error {
	b := r.conn.buffer
	for {
		n := headEnd(b.data[b.r:b.w])
		if n < 0 {
			if b.w-b.r > maxHead {
				return malformed("a head of more than %d bytes", maxHead)
			}
			if err := r.fill(); err != nil {
				return err
			}
			continue
		}
		// Copied, since the body will be read over it.
		data := append([]byte(nil), b.data[b.r:b.r+n]...)
		b.r += n
		parsed, err := parseHead(data)
		if err != nil {
			return err
		}
		if parsed.status == 101 {
			return malformed("a switch of protocols that was not asked for")
		}
		if parsed.status/100 == 1 {
			continue
		}
		r.begin(parsed)
		return nil
	}
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

// isGone holds when the peer has ended the connection.
func isGone(err error) bool {
	var protocol *ProtocolError
	return !isTimeout(err) && !errors.As(err, &protocol)
}

// abort closes the connection and says why the exchange failed.
func (r *Response) abort(err error, sent bool) error {
	r.unwatch()
	r.conn.close()
	r.conn = nil
	return r.explain(err, sent)
}

// explain turns what the connection says into what happened.
func (r *Response) explain(err error, sent bool) error {
	var protocol *ProtocolError
	switch {
	case r.ctx.Err() != nil:
		return &cancelled{cause: context.Cause(r.ctx), sent: sent}
	case errors.As(err, &protocol):
		return err
	case isTimeout(err):
		phase := PhaseIdle
		now := time.Now()
		switch {
		case !r.clock.total.IsZero() && !now.Before(r.clock.total):
			phase = PhaseTotal
		case !r.answered:
			phase = PhaseFirstByte
		}
		return &TimeoutError{Phase: phase, sent: sent}
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
	}
	return &ConnError{Err: err, sent: sent}
}
