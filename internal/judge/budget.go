package judge

import (
	"sync"
	"time"

	"github.com/tiershift/tiershift/internal/pricing"
)

// Budget is what judging may cost a day (UTC). What is about to be spent is
// reserved first and settled once it is known, so that the limit holds however
// many judgements are under way. It is safe for concurrent use; the zero value
// has spent nothing.
type Budget struct {
	mu sync.Mutex
	// day counts from the Unix epoch; taken is spent or reserved on it.
	day   int64
	taken pricing.Picodollars
}

// Reservation is a part of a day's budget.
type Reservation struct {
	day    int64
	amount pricing.Picodollars
}

// Reserve takes the amount off the day's budget. It is false when the rest of
// the limit is less.
func (b *Budget) Reserve(now time.Time, amount, limit pricing.Picodollars) (Reservation, bool) {
	const secondsPerDay = 24 * 60 * 60
	day := now.Unix() / secondsPerDay
	b.mu.Lock()
	defer b.mu.Unlock()
	if day > b.day { // a clock that ran back does not begin the day anew
		b.day, b.taken = day, 0
	}
	if b.taken.Add(amount) > limit {
		return Reservation{}, false
	}
	b.taken = b.taken.Add(amount)
	return Reservation{b.day, amount}, true
}

// Settle puts what was spent in the place of what was reserved. What a judgement
// that began yesterday spent was yesterday's.
func (b *Budget) Settle(r Reservation, spent pricing.Picodollars) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.day == b.day {
		b.taken = b.taken.Sub(r.amount).Add(spent)
	}
}
