package llm

import (
	"container/list"
	"time"

	"github.com/tiershift/tiershift/internal/routerconfig"
)

// Cache remembers verdicts for a while, those used last longest. It is not safe
// for concurrent use. An entry takes some 200 bytes.
type Cache struct {
	size    int
	entries map[Key]*list.Element
	order   *list.List // of *entry, the one used last in front
}

type entry struct {
	key   Key
	class routerconfig.Class // empty: the model gave none
	from  time.Time
}

// NewCache returns a cache of at most so many verdicts.
func NewCache(size int) *Cache {
	return &Cache{size: size, entries: map[Key]*list.Element{}, order: list.New()}
}

// Get returns the verdict if it is not older than ttl. The class is empty where
// the model was asked and gave none.
func (c *Cache) Get(key Key, now time.Time, ttl time.Duration) (class routerconfig.Class, known bool) {
	element, known := c.entries[key]
	if !known {
		return "", false
	}
	e := element.Value.(*entry)
	if now.Sub(e.from) >= ttl {
		c.remove(element)
		return "", false
	}
	c.order.MoveToFront(element)
	return e.class, true
}

// Put remembers a verdict, and forgets the one that was not used for longest when
// there are too many.
func (c *Cache) Put(key Key, class routerconfig.Class, now time.Time) {
	if element, known := c.entries[key]; known {
		c.remove(element)
	}
	c.entries[key] = c.order.PushFront(&entry{key, class, now})
	if c.order.Len() > c.size {
		c.remove(c.order.Back())
	}
}

func (c *Cache) remove(element *list.Element) {
	delete(c.entries, element.Value.(*entry).key)
	c.order.Remove(element)
}

// Len is how many verdicts are remembered.
func (c *Cache) Len() int { return c.order.Len() }

// How long a breaker stays open: at first, and at most.
const (
	OpenFor  = 10 * time.Second
	OpenMost = 5 * time.Minute
)

// Breaker keeps requests from waiting for a model that does not answer. The first
// failure with no success since that call began opens it; then no model is asked
// for a while. After that a single call tries whether one answers again, and if it
// does not, the while is doubled. It is not safe for concurrent use.
type Breaker struct {
	openUntil time.Time // zero: closed
	openFor   time.Duration
	trying    bool
	succeeded time.Time
}

// Allow reports whether a call may be made.
func (b *Breaker) Allow(now time.Time) bool {
	if b.openUntil.IsZero() {
		return true
	}
	if now.Before(b.openUntil) || b.trying {
		return false
	}
	b.trying = true
	return true
}

// Succeeded closes the breaker.
func (b *Breaker) Succeeded(now time.Time) { *b = Breaker{succeeded: now} }

// Failed reports a call that brought no answer, and whether the breaker is open
// because of it.
func (b *Breaker) Failed(begun, now time.Time) (opened bool) {
	if b.openUntil.IsZero() && b.succeeded.After(begun) {
		return false
	}
	if !b.openUntil.IsZero() && !b.trying { // it was under way when another opened it
		return true
	}
	b.openFor = min(max(2*b.openFor, OpenFor), OpenMost)
	b.openUntil, b.trying = now.Add(b.openFor), false
	return true
}

// Open is whether no call would be made now.
func (b *Breaker) Open(now time.Time) bool { return !b.openUntil.IsZero() && now.Before(b.openUntil) }
