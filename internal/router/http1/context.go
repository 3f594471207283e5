package http1

import (
	"context"
	"sync"
	"time"
)

// requestContext is the context of a request. It is made for being asked little:
// its channel is made when somebody wants it, and package context registers with
// it (AfterFunc) instead of starting a goroutine that waits.
type requestContext struct {
	mu      sync.Mutex
	err     error
	done    chan struct{}
	waiters *waiter
}

// waiter is what is to be called at the end of a context.
type waiter struct {
	ctx            *requestContext
	call           func()
	previous, next *waiter
	off            bool
}

// Deadline implements context.Context: there is none.
func (c *requestContext) Deadline() (time.Time, bool) { return time.Time{}, false }

// Value implements context.Context: there are none.
func (c *requestContext) Value(any) any { return nil }

// Err implements context.Context.
func (c *requestContext) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Done implements context.Context.
func (c *requestContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		if c.err != nil {
			close(c.done)
		}
	}
	return c.done
}

// AfterFunc calls f once the context has ended; stop keeps it from that. It is
// for package context, whose functions do not block.
func (c *requestContext) AfterFunc(f func()) (stop func() bool) {
	w := &waiter{ctx: c, call: f}
	c.mu.Lock()
	ended := c.err != nil
	if ended {
		w.off = true
	} else {
		w.next = c.waiters
		if w.next != nil {
			w.next.previous = w
		}
		c.waiters = w
	}
	c.mu.Unlock()
	if ended {
		f()
	}
	return w.stop
}

func (w *waiter) stop() bool {
	w.ctx.mu.Lock()
	defer w.ctx.mu.Unlock()
	if w.off {
		return false
	}
	w.off = true
	if w.previous != nil {
		w.previous.next = w.next
	} else {
		w.ctx.waiters = w.next
	}
	if w.next != nil {
		w.next.previous = w.previous
	}
	return true
}

// cancel ends the context.
func (c *requestContext) cancel() {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = context.Canceled
	if c.done != nil {
		close(c.done)
	}
	waiters := c.waiters
	c.waiters = nil
	for w := waiters; w != nil; w = w.next {
		w.off = true
	}
	c.mu.Unlock()
	for w := waiters; w != nil; w = w.next {
		w.call()
	}
}
