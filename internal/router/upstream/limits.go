package upstream

import "time"

// limits are the timeouts of an exchange as points in time; 0 is none.
type limits struct {
	Timeouts
	start, firstByteBy, totalBy time.Duration
}

func newLimits(t *Timeouts) limits {
	l := limits{Timeouts: *t}
	l.start = now()
	if t.FirstByte > 0 {
		l.firstByteBy = l.start + t.FirstByte
	}
	if t.Total > 0 {
		l.totalBy = l.start + t.Total
	}
	return l
}

// window returns between which points in time the deadline of a phase that ends
// at by has to be. It is a window, not a point, so that a deadline that is
// already set need not be moved for each exchange and each piece of a body.
func (l *limits) window(by, limit time.Duration) (low, high time.Duration) {
	low, high = by, by+limit/8
	if l.totalBy == 0 {
		return low, high
	}
	if by == 0 || l.totalBy < by {
		return l.totalBy, l.totalBy
	}
	return low, min(high, l.totalBy)
}

// passed reports whether a limit has been reached, give or take the precision
// of timers.
func passed(by time.Duration) bool { return by > 0 && by-now() < time.Millisecond }
