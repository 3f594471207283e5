package upstream

import (
	"sync"
	"time"
)

// pool holds idle connections, the latest used on top: what is not needed sinks
// and times out. It has no goroutine: one timer runs while it holds any.
type pool struct {
	max     int
	timeout time.Duration

	mu      sync.Mutex
	idle    []*conn
	janitor *time.Timer
	closed  bool
}

// get takes the latest used connection whose time has not passed, or nil.
func (p *pool) get() *conn {
	t := now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.idle) > 0 {
		last := len(p.idle) - 1
		c := p.idle[last]
		p.idle[last] = nil
		p.idle = p.idle[:last]
		if t < c.expires {
			return c
		}
		c.close()
	}
	return nil
}

// put takes a connection in, or closes it if there is no room.
func (p *pool) put(c *conn) {
	lifetime := p.timeout
	if c.lifetime > 0 {
		lifetime = min(lifetime, c.lifetime)
	}
	c.expires = now() + lifetime
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= p.max {
		c.close()
		return
	}
	if len(p.idle) == 0 {
		p.schedule(p.timeout)
	}
	p.idle = append(p.idle, c)
}

func (p *pool) schedule(after time.Duration) {
	if p.janitor == nil {
		p.janitor = time.AfterFunc(after, p.evict)
		return
	}
	p.janitor.Reset(after)
}

// evict closes the connections whose time has passed, and returns while others
// are left.
func (p *pool) evict() {
	t := now()
	p.mu.Lock()
	defer p.mu.Unlock()
	kept, next := p.idle[:0], p.timeout
	for _, c := range p.idle {
		if c.expires <= t {
			c.close()
			continue
		}
		kept = append(kept, c)
		next = min(next, c.expires-t)
	}
	clear(p.idle[len(kept):])
	p.idle = kept
	if len(kept) > 0 {
		p.schedule(next)
	}
}

// drain closes all connections; with forGood, also all that are still put back.
func (p *pool) drain(forGood bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = p.closed || forGood
	for _, c := range p.idle {
		c.close()
	}
	clear(p.idle)
	p.idle = p.idle[:0]
	if p.janitor != nil {
		p.janitor.Stop()
	}
}

func (p *pool) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.idle)
}
