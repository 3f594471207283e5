package shift

import (
	"fmt"
	"math"
	"slices"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

// standingOf is how a tested measure stands at the live split.
type standingOf struct {
	status Status
	// blame is the tier in use that does worst; -1: none is measured.
	blame int
	// mean and lower are the route's; n counts the values behind them.
	mean, lower, n float64
}

// assess gives each objective its verdict.
func (d *decider) assess() {
	for _, m := range d.tested() {
		d.settleDrops(m)
		s := d.stand(m)
		d.verdicts = append(d.verdicts, Verdict{
			Objective: m.objective(), Status: d.orError(s.status), Value: orZero(s.mean), Lower: s.lower,
			Limit: d.target[m], Samples: math.Round(s.n), Message: d.describe(m, &s),
		})
	}
	if d.s.MaxCostUSD > 0 {
		d.verdicts = append(d.verdicts, d.costVerdict())
	}
}

func (d *decider) orError(status Status) Status {
	if d.in.Window.Fault != "" {
		return Error
	}
	return status
}

func orZero(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// tested are the measures that are tested, the gravest first. Validation is a
// guard: it is tested where there are verdicts.
func (d *decider) tested() []measure {
	list := []measure{answered}
	if d.quality >= 0 {
		list = append(list, d.quality)
		if d.quality != validated && d.measured(validated) > 0 {
			list = append(list, validated)
		}
	}
	if d.target[prompt] > 0 {
		list = append(list, prompt)
	}
	return list
}

// measured counts the values of the tiers in use.
func (d *decider) measured(m measure) float64 {
	n := 0.0
	for _, t := range d.tiers {
		if t.share > 0 {
			n += t.Tracks[m].Evidence.count()
		}
	}
	return n
}

func (d *decider) alarmed(i int, m measure) bool {
	return d.tiers[i].Tracks[m].Detector.reaches(d.alarm)
}

// latest is a tier's evidence: what came after a drop, if there was one.
func (d *decider) latest(i int, m measure) Evidence {
	track := &d.tiers[i].Tracks[m]
	if d.alarmed(i, m) {
		return track.Detector.since()
	}
	return track.Evidence
}

// missed holds when the tier itself is proven to be below the target.
func (d *decider) missed(i int, m measure) bool {
	if d.target[m] == 0 {
		return false
	}
	e := d.latest(i, m)
	if e.count() == 0 || e.mean() >= d.target[m] {
		return false
	}
	return d.alarmed(i, m) || e.upper(d.strictness) < d.target[m]
}

func (d *decider) stand(m measure) standingOf {
	s := d.measure(m)
	if s.n < 0.5 {
		s.status, s.mean = Inconclusive, math.NaN()
		return s
	}
	enough := d.measured(m) >= float64(d.s.MinSamples)-0.5
	switch {
	case d.fails(m, &s) && (enough || d.collapsed(s.blame, m)):
		s.status = Fail
	case s.lower >= d.target[m] && enough:
		s.status = Pass
	default:
		s.status = Inconclusive
	}
	return s
}

// measure weighs the tiers by their shares. A tier without values counts 0 towards
// the lower bound, and its mean is taken to be that of the others.
func (d *decider) measure(m measure) standingOf {
	s := standingOf{blame: -1}
	known, worst := 0.0, math.Inf(1)
	for i, t := range d.tiers {
		share := float64(t.share) / 100
		e := d.latest(i, m)
		if share == 0 {
			continue
		}
		n := e.count()
		if n == 0 {
			continue
		}
		mean := e.mean()
		if mean < worst {
			worst, s.blame = mean, i
		}
		known += share
		s.n += n
		s.mean += share * mean
		if d.alarmed(i, m) {
			s.lower += share * e.lower(d.strictness)
		} else {
			s.lower += share * min(t.Tracks[m].Lower, mean)
		}
	}
	s.mean /= known
	return s
}

// onProbation holds when a tier in use has failed at the measure of late. Doubt
// then speaks against it: until it is tried again, the estimate decides.
func (d *decider) onProbation(m measure) bool {
	return slices.ContainsFunc(d.in.Shifts, func(record v1alpha1.ShiftRecord) bool {
		i := d.tierIndex(record.From)
		return i >= 0 && d.tiers[i].share > 0 && Reason(record.Reason) == m.failure() && !record.Recommended && d.blocked(i) > 0
	})
}

// upper bounds what the route reaches. A tier without values may do anything.
func (d *decider) upper(m measure) float64 {
	bound := 0.0
	for i, t := range d.tiers {
		if t.share > 0 {
			e := d.latest(i, m)
			bound += float64(t.share) / 100 * e.upper(d.strictness)
		}
	}
	return bound
}

// fails holds when the measure is proven to be missed. Failures are held against
// each tier, since what one tier answers does not make good what another does not;
// everything else against the route.
func (d *decider) fails(m measure, s *standingOf) bool {
	if m == answered {
		return d.missed(s.blame, m)
	}
	if d.state.Route[m].reaches(d.alarm) {
		return true
	}
	if s.mean >= d.target[m] {
		return false
	}
	if d.upper(m) < d.target[m] || d.onProbation(m) {
		return true
	}
	for i, t := range d.tiers {
		if t.share > 0 && d.alarmed(i, m) {
			return true
		}
	}
	return false
}

// leastCollapse is how many values show a collapse, however few a decision may
// otherwise be made on.
const leastCollapse = 20

// collapsed holds when the tier misses the target by more than the margin, beyond
// any doubt.
func (d *decider) collapsed(i int, m measure) bool {
	e := d.latest(i, m)
	limit := d.target[m] - m.margin()
	return e.count() >= leastCollapse && e.mean() < limit && e.upper(d.alarm) < limit
}

// settleDrops makes those tiers begin anew that have become worse without the
// route missing its target: what they did before says nothing any more.
func (d *decider) settleDrops(m measure) {
	s := d.measure(m)
	if !(s.mean >= d.target[m]) {
		return
	}
	for i, t := range d.tiers {
		if !d.alarmed(i, m) || m == answered && d.missed(i, m) {
			continue
		}
		base := t.Tracks[m].Base
		t.Tracks[m].reseed(d.in.Now, d.strictness)
		if base > 0 {
			d.notes = append(d.notes, fmt.Sprintf("%s of %s dropped from %.3f to %.3f, which the route bears",
				m.name(), t.name, base, t.Tracks[m].Evidence.mean()))
		}
	}
}

func (d *decider) costVerdict() Verdict {
	v := Verdict{Objective: ObjectiveCost, Status: Inconclusive, Limit: d.s.MaxCostUSD}
	mean, spread, ok := d.cost()
	if !ok {
		v.Message = "the cost is not measured yet"
		return v
	}
	const errors = 2 // standard errors
	v.Value, v.Lower = mean, max(mean-errors*spread, 0)
	for _, t := range d.tiers {
		if t.share > 0 {
			v.Samples += math.Round(t.Cost.Requests)
		}
	}
	switch {
	case mean+errors*spread <= v.Limit:
		v.Status, v.Message = Pass, fmt.Sprintf("cost %s ≤ %s USD", usd(mean), usd(v.Limit))
	case v.Lower > v.Limit:
		v.Status, v.Message = Fail, fmt.Sprintf("cost %s > %s USD", usd(mean), usd(v.Limit))
	default:
		v.Message = fmt.Sprintf("cost %s USD (±%s) is not told from the limit of %s USD", usd(mean), usd(errors*spread), usd(v.Limit))
	}
	v.Status = d.orError(v.Status)
	return v
}

// cost is the mean cost of a request at the live split and its standard error; not
// ok while a tier in use is not known.
func (d *decider) cost() (mean, standardError float64, ok bool) {
	squares := 0.0
	for _, t := range d.tiers {
		if t.share == 0 {
			continue
		}
		if !t.Cost.known() {
			return 0, 0, false
		}
		share := float64(t.share) / 100
		mean += share * t.Cost.perRequest()
		squares += math.Pow(share*t.Cost.standardError(), 2)
	}
	return mean, math.Sqrt(squares), true
}

func usd(v float64) string { return fmt.Sprintf("%.3g", v) }

// describe gives the figures of a measure.
func (d *decider) describe(m measure, s *standingOf) string {
	if s.n < 0.5 {
		return fmt.Sprintf("%s: not measured yet", m.name())
	}
	relation := "≥"
	if s.mean < d.target[m] {
		relation = "<"
	}
	if m == answered || m == prompt {
		return fmt.Sprintf("%s %s %s %s (n=%.0f)", m.name(), percent(s.mean), relation, percent(d.target[m]), s.n)
	}
	return fmt.Sprintf("%s %.3f %s %.2f (n=%.0f, lower bound %.3f)", m.name(), s.mean, relation, d.target[m], s.n, s.lower)
}
