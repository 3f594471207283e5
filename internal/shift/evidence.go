package shift

import "math"

// gridPoints is how many points the unit interval is held at: 0, 0.1, … 1.
const gridPoints = 11

// Evidence is a sample of values in [0,1] as the mass at 0, 0.1, … 1. A value
// between two points counts towards both, so that the mean is kept and the spread
// is never understated. The mass is the number of values.
type Evidence [gridPoints]float64

// point is the value of a grid point.
func point(i int) float64 { return float64(i) / (gridPoints - 1) }

// add puts n values at x.
func (e *Evidence) add(x, n float64) {
	at := min(max(x, 0), 1) * (gridPoints - 1)
	if whole := math.Round(at); math.Abs(at-whole) < 1e-9 {
		at = whole
	}
	low := int(at)
	if low == gridPoints-1 {
		e[low] += n
		return
	}
	upper := at - float64(low)
	e[low] += n * (1 - upper)
	e[low+1] += n * upper
}

func (e *Evidence) merge(other *Evidence) {
	for i := range e {
		e[i] += other[i]
	}
}

// count is the number of values.
func (e *Evidence) count() float64 {
	n := 0.0
	for _, mass := range e {
		n += mass
	}
	return n
}

func (e *Evidence) sum() float64 {
	sum := 0.0
	for i, mass := range e {
		sum += mass * point(i)
	}
	return sum
}

// mean is NaN without values.
func (e *Evidence) mean() float64 { return e.sum() / e.count() }

// variance is that of the values as held, and so an upper bound of theirs.
func (e *Evidence) variance() float64 {
	mean, sum := e.mean(), 0.0
	for i, mass := range e {
		sum += mass * (point(i) - mean) * (point(i) - mean)
	}
	return sum / e.count()
}

func (e *Evidence) mirrored() Evidence {
	var out Evidence
	for i := range e {
		out[i] = e[gridPoints-1-i]
	}
	return out
}

// twoPoint is n values of the given sum in their most spread form: all 0 or 1.
func twoPoint(n, sum float64) Evidence {
	var e Evidence
	e[0], e[gridPoints-1] = max(n-sum, 0), min(max(sum, 0), n)
	return e
}

// lowerBets are the fractions that are bet on the mean being greater than a
// candidate. The best is about (mean-candidate)/variance, which reaches from 1/64
// for a hundred thousand samples to 1 for a few; a bet below 1 never goes bankrupt.
var lowerBets = [...]float64{1.0 / 64, 1.0 / 32, 1.0 / 16, 1.0 / 8, 1.0 / 4, 1.0 / 2, 0.95}

// logWealth is the natural logarithm of the mean wealth of gamblers who began
// with 1 and bet that the mean is greater than m. Were it m or less, the wealth
// would be a nonnegative supermartingale.
func (e *Evidence) logWealth(m float64) float64 {
	var logs [len(lowerBets)]float64
	for i, mass := range e {
		if mass == 0 {
			continue
		}
		gain := point(i) - m
		for k, bet := range lowerBets {
			logs[k] += mass * math.Log(1+bet*gain) // faster than Log1p, and no bet is so small that it matters
		}
	}
	return logMeanExp(logs[:])
}

// negligible is the logarithm of how many times less something is that need not be
// added.
const negligible = 30

func logMeanExp(logs []float64) float64 {
	top := math.Inf(-1)
	for _, l := range logs {
		top = max(top, l)
	}
	sum := 0.0
	for _, l := range logs {
		if l > top-negligible {
			sum += math.Exp(l - top)
		}
	}
	return top + math.Log(sum/float64(len(logs)))
}

// lower is the lower end of the confidence sequence of the mean at the level
// exp(-strictness): the greatest mean that the bets have refuted. 0 without values.
func (e *Evidence) lower(strictness float64) float64 {
	n := e.count()
	if n <= 0 {
		return 0
	}
	mean := e.mean()
	// A normal approximation of the width says where to look first.
	width := math.Sqrt(2 * (strictness + 1) * (e.variance() + 1/n) / n)
	low, high := max(mean-1.6*width, 0), max(mean-0.6*width, 0)
	atLow, atHigh := e.logWealth(low)-strictness, e.logWealth(high)-strictness
	if atLow <= 0 {
		low, high, atHigh = 0, low, atLow
		atLow = e.logWealth(low) - strictness
	}
	if atHigh > 0 {
		low, high, atLow = high, mean, atHigh
		atHigh = e.logWealth(high) - strictness
	}
	if atLow <= 0 || high <= low {
		return 0
	}
	return e.root(low, high, atLow, atHigh, max(width/50, 1e-6), strictness)
}

// root is where the falling logWealth crosses the strictness, to within a
// tolerance and on the safe side (regula falsi, Illinois variant).
func (e *Evidence) root(low, high, atLow, atHigh, tolerance, strictness float64) float64 {
	side := 0
	for range 40 {
		if high-low < tolerance {
			break
		}
		m := (low*atHigh - high*atLow) / (atHigh - atLow)
		m = min(max(m, low+tolerance/4), high-tolerance/4)
		at := e.logWealth(m) - strictness
		if at > 0 {
			low, atLow = m, at
			if side == 1 {
				atHigh /= 2
			}
			side = 1
			continue
		}
		high, atHigh = m, at
		if side == -1 {
			atLow /= 2
		}
		side = -1
	}
	return low
}

// upper is the upper end at the same level. 1 without values.
func (e *Evidence) upper(strictness float64) float64 {
	mirrored := e.mirrored()
	return 1 - mirrored.lower(strictness)
}
