package shift

import (
	"fmt"
	"slices"
	"time"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

// choose finds the one move that is due: away from what fails, else towards what
// is cheaper.
func (d *decider) choose() Decision {
	if out, done := d.repair(true); done {
		return out
	}
	if wait := d.cooling(); wait > 0 {
		return d.hold(ReasonCooldown, fmt.Sprintf("the last shift was %s ago, the next comes in %s at the earliest",
			d.in.Now.Sub(d.in.Shifts[0].Time.Time).Round(time.Second), wait.Round(time.Second)))
	}
	if out, done := d.repair(false); done {
		return out
	}
	return d.economise()
}

// cooling is how much of the cooldown is left. Shifts that were only recommended
// moved nothing that would have to settle.
func (d *decider) cooling() time.Duration {
	if len(d.in.Shifts) == 0 || d.in.Shifts[0].Recommended {
		return 0
	}
	return max(d.s.Cooldown-d.in.Now.Sub(d.in.Shifts[0].Time.Time), 0)
}

// repair moves traffic away from a tier that fails: in collapse all of it, without
// waiting for the cooldown, otherwise a step.
func (d *decider) repair(collapse bool) (Decision, bool) {
	for _, m := range d.tested() {
		s := d.stand(m)
		if s.status != Fail || s.blame < 0 || d.collapsed(s.blame, m) != collapse {
			continue
		}
		what := d.describe(m, &s)
		if out, done := d.sidestep(s.blame, m, collapse, what); done {
			return out, true
		}
		to, obstacle := d.refuge(s.blame, m)
		if to < 0 {
			if collapse {
				continue // said when the cooldown is over, if it still is so
			}
			return d.hold(obstacle, what+": "+d.noRefuge(s.blame, m, obstacle)), true
		}
		reason, step := m.failure(), min(d.s.StepPercent, d.tiers[s.blame].share)
		if collapse {
			reason, step = ReasonCollapsed, d.tiers[s.blame].share
		}
		e := d.latest(s.blame, m)
		if len(d.shares()) > 1 {
			what += fmt.Sprintf(", %s at %s (n=%.0f)", d.tiers[s.blame].name, figure(m, e.mean()), e.count())
		}
		if d.s.Mode == v1alpha1.ShiftAutomatic {
			d.tiers[s.blame].Tracks[m].reseed(d.in.Now, d.strictness)
			d.state.Route[m].relax()
		}
		return d.shift(s.blame, to, step, reason, what), true
	}
	return Decision{}, false
}

func figure(m measure, mean float64) string {
	if m == answered || m == prompt {
		return percent(mean)
	}
	return fmt.Sprintf("%.3f", mean)
}

// refuge is the tier that takes what another loses: the next more capable one that
// is not known to fail, or for failures and latency the next less capable one. -1
// and why: there is none.
func (d *decider) refuge(from int, m measure) (int, Reason) {
	for i := from + 1; i < len(d.tiers); i++ {
		if d.sound(i, from, m) {
			return i, ""
		}
	}
	if m != answered && m != prompt {
		return -1, ReasonUnmeetable
	}
	obstacle := ReasonUnmeetable
	for i := from - 1; i >= 0; i-- {
		if !d.sound(i, from, m) {
			continue
		}
		if d.goodEnough(from, i, m) {
			return i, ""
		}
		obstacle = ReasonConflict
	}
	return -1, obstacle
}

// sound holds for a tier that is not known to fail, nor to do worse than another.
func (d *decider) sound(i, than int, m measure) bool {
	if d.missed(i, m) || d.missed(i, answered) {
		return false
	}
	a, b := d.latest(i, m), d.latest(than, m)
	return a.count() < leastCollapse || b.count() < leastCollapse || a.mean() >= b.mean()
}

// goodEnough holds when quality lets a less capable tier take over. An answer that
// is not the best is better than none, but it must not be known to be bad.
func (d *decider) goodEnough(from, to int, m measure) bool {
	if d.quality < 0 {
		return true
	}
	if m == answered {
		return !d.missed(to, d.quality) || d.tiers[to].Tracks[d.quality].Evidence.count() == 0
	}
	after := d.after(from, to, min(d.s.StepPercent, d.tiers[from].share), d.quality)
	return after.lower >= d.target[d.quality]
}

func (d *decider) noRefuge(from int, m measure, obstacle Reason) string {
	switch {
	case obstacle == ReasonConflict:
		return "quality goes first, and no less capable tier is proven to keep it; raise maxLatencyP95 or lower minQuality"
	case m == answered:
		return fmt.Sprintf("no other tier is known to do better than %s", d.tiers[from].name)
	case m == prompt:
		return "no other tier is known to be faster; raise maxLatencyP95"
	default:
		return fmt.Sprintf("no more capable tier than %s may answer that is not known to fail; lower minQuality, raise maxTier or add a tier",
			d.tiers[from].name)
	}
}

// after is how a measure would stand with so many percent points moved.
func (d *decider) after(from, to int, points int32, m measure) standingOf {
	d.tiers[from].share -= points
	d.tiers[to].share += points
	s := d.measure(m)
	d.tiers[from].share += points
	d.tiers[to].share -= points
	return s
}

const (
	// retryAfter is how many cooldowns pass before a tier that failed is given
	// more traffic again. It doubles with each failure of the last week.
	retryAfter = 4
	// latestRetry bounds it.
	latestRetry   = 24 * time.Hour
	failureMemory = 7 * 24 * time.Hour
)

// blocked is how long the tier still waits after failures. It follows from the
// status' shifts alone, so that a restart forgets none.
func (d *decider) blocked(i int) time.Duration { return d.blockedFor(d.tiers[i].name) }

// blockedFor is the same for whatever records call by the name.
func (d *decider) blockedFor(name string) time.Duration {
	wait, until := max(retryAfter*d.s.Cooldown, retryAfter*d.s.Interval), time.Time{}
	for _, record := range slices.Backward(d.in.Shifts) { // the oldest first
		at := record.Time.Time
		failed := !record.Recommended && record.From == name && isFailure(Reason(record.Reason))
		if !failed || d.in.Now.Sub(at) > failureMemory {
			continue
		}
		if !until.IsZero() {
			wait = min(2*wait, latestRetry)
		}
		until = at.Add(wait)
	}
	return max(until.Sub(d.in.Now), 0)
}

func isFailure(r Reason) bool {
	return r == ReasonQualityBelow || r == ReasonLatencyAbove || r == ReasonFailing || r == ReasonCollapsed
}
