package upstream

import (
	"context"
	"errors"
	"os"
	"time"
)

// begin gets a connection, sends the request, and reads the head of the answer.
func (r *Response) begin(c *Client, head *[]byte, body [][]byte) error {
	err := r.attempt(c, *head, body, false)
	if r.diedIdle(err) {
		c.redials.Add(1)
		return r.attempt(c, *head, body, true)
	}
	return err
}

// staleWindow is how soon a connection that the server had closed for being
// idle shows it. One that ends later had a server at work on the request, and
// repeating it would be paid for twice.
const staleWindow = 2 * time.Second

// diedIdle reports whether a pooled connection turned out to be dead.
func (r *Response) diedIdle(err error) bool {
	if err == nil || !r.reused || r.answered || now()-r.limits.start > staleWindow {
		return false
	}
	_, broken := errors.AsType[*ConnError](err)
	return broken
}

// attempt makes the exchange on one connection. If it fails, nothing is left
// behind but what diedIdle needs.
func (r *Response) attempt(c *Client, head []byte, body [][]byte, fresh bool) error {
	if r.ctx.Err() != nil {
		return r.cancelled()
	}
	if err := r.acquire(c, fresh); err != nil {
		return err
	}
	if r.ctx.Done() != nil {
		r.stop = context.AfterFunc(r.ctx, r.conn.closeIt)
	}
	err := r.send(head, body)
	if err == nil {
		err = r.readHead()
	} else {
		err = r.refused(err)
	}
	if err != nil {
		r.discard()
	}
	return err
}

// acquire takes a connection from the pool or makes one.
func (r *Response) acquire(c *Client, fresh bool) error {
	by := r.limits.head()
	for !fresh {
		cn := c.pool.get()
		if cn == nil {
			break
		}
		// The deadline comes first: a probe behind a passed one sees nothing.
		if cn.setDeadline(by, by) == nil && (cn.probe == nil || cn.probe()) {
			r.conn, r.reused = cn, true
			return nil
		}
		cn.close()
	}
	r.reused = false
	cn, err := r.dial(c, by)
	if err != nil {
		return err
	}
	if err := cn.setDeadline(by, by); err != nil {
		cn.close()
		return r.failure(opWrite, err)
	}
	r.conn = cn
	return nil
}

func (r *Response) dial(c *Client, by time.Duration) (*conn, error) {
	ctx := r.ctx
	if by > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, epoch.Add(by))
		defer cancel()
	}
	c.dials.Add(1)
	l, err := c.dialer.connectAside(ctx)
	switch {
	case err == nil:
		return newConn(c, l.socket, l.stream, l.probe), nil
	case over(r.ctx):
		<-r.ctx.Done()
		return nil, r.cancelled()
	case passed(by):
		return nil, r.timeout(PhaseFirstByte, r.limits.FirstByte)
	}
	return nil, &DialError{Addr: c.dialer.addr, Proxy: c.dialer.proxyAddr, Err: err, Sent: r.sent}
}

// largeBody is the size from which what the kernel does not take at once is sent
// beside the reading of the answer. What is smaller fits into the buffers of both
// kernels, so that writing it does not wait for a server that answers without
// reading.
const largeBody = 64 << 10

// upload is a large request on its way. written and err are set once done is
// closed.
type upload struct {
	done    chan struct{}
	written int64
	err     error
}

func (r *Response) send(head []byte, body [][]byte) error {
	var size int
	for _, segment := range body {
		size += len(segment)
	}
	if size > largeBody {
		return r.sendLarge(head, body)
	}
	n, err := r.conn.write(head, body)
	r.sent = r.sent || n > 0
	if err != nil {
		return r.failure(opWrite, err)
	}
	return nil
}

// sendLarge sends what the kernel takes at once, which often is all, and leaves the
// rest to a goroutine.
func (r *Response) sendLarge(head []byte, body [][]byte) error {
	u, cn := &upload{done: make(chan struct{})}, r.conn
	write := func() (int64, error) { return cn.write(head, body) }
	if cn.vectored {
		cn.load(head, body)
		n, err := cn.rush()
		r.sent = r.sent || n > 0
		switch {
		case err != nil:
			return r.failure(opWrite, err)
		case len(cn.vector) == 0:
			clear(cn.segments)
			return nil
		}
		write = cn.unload
	}
	r.upload = u
	go func() {
		defer close(u.done)
		u.written, u.err = write()
	}()
	return nil
}

// grace is how long the answer may take of a server that no longer reads.
const grace = time.Second

// refused looks for the answer of a server that closed the connection while it
// was written to. Without one, the write's failure stands.
func (r *Response) refused(failure error) error {
	if _, broken := errors.AsType[*ConnError](failure); !broken {
		return failure
	}
	by := now() + grace
	if set := r.conn.deadline; set > 0 {
		by = min(by, set)
	}
	if r.conn.setDeadline(by, by) != nil || r.readHead() != nil {
		return failure
	}
	r.head.keep = false // part of the request is missing
	return nil
}

// uploading reports whether the request is still on its way.
func (r *Response) uploading() bool {
	if r.upload == nil {
		return false
	}
	select {
	case <-r.upload.done:
		return false
	default:
		return true
	}
}

// Written reports whether the request is on its way as a whole, or given up, so
// that its body is not read any more.
func (r *Response) Written() bool { return !r.uploading() }

// uploaded reports whether the server has taken the whole request. It may have
// answered before the writing goroutine has seen the end of its write, which is
// worth a moment: the connection is lost otherwise.
func (r *Response) uploaded() bool {
	if r.upload == nil {
		return true
	}
	if r.uploading() {
		moment := time.NewTimer(time.Millisecond)
		defer moment.Stop()
		select {
		case <-r.upload.done:
		case <-moment.C:
			return false
		}
	}
	return r.upload.err == nil
}

// stopUpload waits until nothing reads the request any more. What is still on
// its way then is cut off by closing the connection.
func (r *Response) stopUpload() {
	if r.upload == nil {
		return
	}
	r.conn.close()
	<-r.upload.done
	r.sent = r.sent || r.upload.written > 0
	r.upload = nil
}

// The steps that a ConnError names.
const (
	opWrite = "write the request"
	opHead  = "read the head"
	opBody  = "read the body"
)

// failure says what the error of a read or write means. The exchange is over.
func (r *Response) failure(op string, err error) error {
	r.stopUpload()
	switch {
	case r.ctx.Err() != nil:
		return r.cancelled()
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return &ConnError{Op: op, Err: unexpected(err), Sent: r.sent}
	case op == opBody:
		return r.timeout(PhaseIdle, r.limits.Idle)
	}
	return r.timeout(PhaseFirstByte, r.limits.FirstByte)
}

func (r *Response) timeout(phase Phase, limit time.Duration) error {
	if passed(r.limits.totalBy) {
		phase, limit = PhaseTotal, r.limits.Total
	}
	return &TimeoutError{Phase: phase, Limit: limit, Sent: r.sent}
}

func (r *Response) cancelled() error {
	return &CancelError{Err: context.Cause(r.ctx), Sent: r.sent}
}

// discard gives up the connection and what belongs to it.
func (r *Response) discard() {
	if r.stop != nil {
		r.stop()
		r.stop = nil
	}
	r.conn.close()
	r.stopUpload()
	r.conn = nil
	r.releaseBuffers()
}
