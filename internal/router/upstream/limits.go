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

// head returns when the head of the answer has to be there.
func (l *limits) head() time.Duration {
	if l.firstByteBy == 0 || l.totalBy == 0 {
		return l.firstByteBy + l.totalBy
	}
	return min(l.firstByteBy, l.totalBy)
}

// body returns between which points in time the deadline of a read of the body
// has to be. It is a window, not a point, so that a stream of many small events
// does not move a timer for each.
func (l *limits) body() (low, high time.Duration) {
	if l.Idle <= 0 {
		return l.totalBy, l.totalBy
	}
	low = now() + l.Idle
	high = low + l.Idle/8
	if l.totalBy == 0 {
		return low, high
	}
	return min(low, l.totalBy), min(high, l.totalBy)
}

// passed reports whether a limit has been reached, give or take the precision
// of timers.
func passed(by time.Duration) bool { return by > 0 && by-now() < time.Millisecond }
