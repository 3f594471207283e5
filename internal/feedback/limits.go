package feedback

import (
	"sync"
	"time"
)

const (
	// remembered is how many votes a generation of a [Ballot] holds. Two exist.
	remembered = 1 << 15

	// rate is how many votes a second a client may give on average, burst how many
	// at once: enough for whoever hands on the votes of many people.
	rate, burst = 10, 100

	// clients is how many clients a [Limiter] tells apart.
	clients = 4096
)

// Ballot remembers what was voted on, so that no request is voted on twice. It
// holds the last 32,768 to 65,536 votes; an older one could be given again. It is
// safe for concurrent use; the zero value is ready.
type Ballot struct {
	mu               sync.Mutex
	current, earlier map[string]struct{}
}

// Cast is true the first time that it is called with the id.
func (b *Ballot) Cast(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.current[id]; ok {
		return false
	}
	if _, ok := b.earlier[id]; ok {
		return false
	}
	if b.current == nil || len(b.current) >= remembered {
		b.current, b.earlier = map[string]struct{}{}, b.current
	}
	b.current[id] = struct{}{}
	return true
}

// Limiter bounds how often each client may vote. It is safe for concurrent use;
// the zero value is ready.
type Limiter struct {
	mu      sync.Mutex
	buckets map[string]bucket
}

// bucket is a token bucket: tokens as of a time.
type bucket struct {
	tokens float64
	at     time.Time
}

func (b bucket) filled(now time.Time) float64 {
	return min(b.tokens+max(now.Sub(b.at).Seconds(), 0)*rate, burst)
}

// Allow takes a token of the client's bucket. When there is none, wait is how
// long it takes until there is.
func (l *Limiter) Allow(client string, now time.Time) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[client]
	if !known {
		if !l.room(now) {
			return time.Second, false
		}
		b = bucket{burst, now}
	}
	b = bucket{b.filled(now), now}
	if b.tokens < 1 {
		l.buckets[client] = b
		return time.Duration((1 - b.tokens) / rate * float64(time.Second)), false
	}
	b.tokens--
	l.buckets[client] = b
	return 0, true
}

// room makes place for one more client by forgetting those whose bucket is full:
// they lose nothing by it.
func (l *Limiter) room(now time.Time) bool {
	if l.buckets == nil {
		l.buckets = map[string]bucket{}
	}
	if len(l.buckets) < clients {
		return true
	}
	for client, b := range l.buckets {
		if b.filled(now) >= burst {
			delete(l.buckets, client)
		}
	}
	return len(l.buckets) < clients
}
