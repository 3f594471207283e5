package http1

import (
	"errors"
	"os"
	"sync"
	"time"
)

// watchAfter is how long a handler runs before it is watched whether its client
// is still there.
const watchAfter = 10 * time.Millisecond

type watchState uint8

const (
	watchOff watchState = iota
	watchArmed
	watchReading
	watchAborted
)

// watch tells when the client goes away while a handler runs. It is a read of the
// connection, beside the handler, by the goroutine of a timer.
type watch struct {
	mu    sync.Mutex
	ended sync.Cond
	state watchState
	timer *time.Timer
	ctx   *requestContext
	// early is what the client has sent of its next request meanwhile. When it is
	// full, nothing more is seen.
	early [64]byte
	count int
}

// arm begins the wait. Nobody reads the connection until disarm.
func (c *conn) arm(ctx *requestContext) {
	w := &c.watch
	w.mu.Lock()
	w.state, w.ctx = watchArmed, ctx
	w.mu.Unlock()
	if w.timer == nil {
		w.ended.L = &w.mu
		w.timer = time.AfterFunc(watchAfter, c.watchClient)
		return
	}
	w.timer.Reset(watchAfter)
}

// disarm ends the watching. What was read goes to the connection's input.
func (c *conn) disarm() {
	w := &c.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state == watchOff && w.ctx == nil {
		return
	}
	w.timer.Stop()
	if w.state == watchReading {
		w.state = watchAborted
		if c.readBy.abort() != nil {
			_ = c.socket.Close() // ends the read as well
		}
	}
	for w.state == watchAborted {
		w.ended.Wait()
	}
	w.state, w.ctx = watchOff, nil
	c.in.add(w.early[:w.count])
	w.count = 0
}

// watchClient reads until the client goes away or disarm ends it.
func (c *conn) watchClient() {
	w := &c.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.state != watchArmed { // or disarmed and armed anew: then it begins early, which does no harm
		return
	}
	w.state = watchReading
	for w.state == watchReading && w.count < len(w.early) {
		w.mu.Unlock()
		n, err := c.socket.Read(w.early[w.count:])
		w.mu.Lock()
		w.count += n
		if err != nil && !c.onlyLate(err) {
			w.ctx.cancel()
			break
		}
	}
	w.state = watchOff
	w.ended.Signal()
}

// onlyLate reports whether the read of a watch has met a deadline: that of an
// abort, or one that was left on the socket.
func (c *conn) onlyLate(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return false
	}
	if c.watch.state == watchReading {
		c.readBy.told = 0
		return c.readBy.tell(time.Time{}) == nil
	}
	return true
}
