package shift

import "math"

// drops are the falls of a mean that the bets of a detector are made for, and
// dropWeights what each bet begins with. The second is the design case: it also
// places the change in time.
var (
	drops       = [...]float64{0.02, 0.05, 0.12, 0.30}
	dropWeights = [...]float64{0.2, 0.4, 0.2, 0.2}
)

const designDrop = 1

// Detector watches for a mean that falls below a null value: for each bet the
// CUSUM of its log-wealth. If the mean of each window, given the past, is at least
// the null, each window's growth of wealth has expectation at most 1, and the mean
// number of windows to a false alarm is at least the alarm level (Shin, Ramdas and
// Rinaldo 2023, theorem 2.4).
type Detector struct {
	// Log is the log-wealth of each bet since it last began anew.
	Log [len(drops)]float64
	// N and Sum are the values since the design bet last began anew: what came
	// after the change, if there was one.
	N, Sum float64
}

// bets are the stakes against a null for values of this mean and variance (of the
// past; NaN: none). For yes and no, a stake of d/(null·(1-null)) turns wealth into
// the likelihood ratio of a drop by d, which no bet outgrows; values in between
// vary less, and bear the higher stake.
func bets(null, mean, variance float64) [len(drops)]float64 {
	dispersion := variance / (mean * (1 - mean))
	if !(dispersion > leastDispersion) { // also NaN
		dispersion = 1
	}
	spread := max(min(dispersion, 1)*null*(1-null), 1e-4)
	var stakes [len(drops)]float64
	for k, drop := range drops {
		stakes[k] = min(min(drop, 0.9*null)/spread, 0.9/(1-null+1e-9))
	}
	return stakes
}

// leastDispersion is the least variance, as a part of that of yes and no, that is
// believed.
const leastDispersion = 0.05

// observe takes one window into account. No bet grows by more than most in one
// window, nor above ceiling in all.
func (d *Detector) observe(window *Evidence, null float64, stakes [len(drops)]float64, most, ceiling float64) {
	n := window.count()
	if n == 0 {
		return
	}
	if d.Log[designDrop] <= 0 {
		d.N, d.Sum = 0, 0
	}
	d.N += n
	d.Sum += window.sum()
	var growth [len(drops)]float64
	for i, mass := range window {
		if mass == 0 {
			continue
		}
		for k, stake := range stakes {
			growth[k] += mass * math.Log(1+stake*(null-point(i)))
		}
	}
	for k := range d.Log {
		d.Log[k] = min(max(d.Log[k], 0)+min(growth[k], most), ceiling)
	}
}

// level is the logarithm of the mean wealth.
func (d *Detector) level() float64 {
	top := d.Log[0]
	for _, l := range d.Log {
		top = max(top, l)
	}
	sum := 0.0
	for k, l := range d.Log {
		sum += dropWeights[k] * math.Exp(l-top)
	}
	return top + math.Log(sum)
}

// reaches holds when the level is at least this. It seldom is, and is told from the
// greatest bet without any exponential.
func (d *Detector) reaches(level float64) bool {
	for _, l := range d.Log {
		if l >= level {
			return d.level() >= level
		}
	}
	return false
}

// since is what came after the change, in its most spread form.
func (d *Detector) since() Evidence { return twoPoint(d.N, d.Sum) }

// relax leaves half of the evidence, after it was acted upon: what goes on being
// wrong is then found in half the time.
func (d *Detector) relax() {
	for k := range d.Log {
		d.Log[k] /= 2
	}
}
