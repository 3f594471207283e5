package shift

import (
	"fmt"
	"math"
	"time"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

const (
	// explorePercent is the most that a tier gets which is not measured enough.
	explorePercent = 5
	// leastSaving is the part of a request's cost that makes a shift worth it,
	// and leastReturn that which makes one to a more capable tier worth it: the
	// gap between them keeps tiers of equal cost from taking turns.
	leastSaving = 0.05
	leastReturn = 0.10
)

// move is a step that would save money.
type move struct {
	from, to int
	points   int32
	// saving is in USD per request of what moves, and loss in quality.
	saving, loss float64
	quality      standingOf
}

// economise takes the step that saves most for the quality it costs, if the
// objectives are proven to hold after it; else it explores.
func (d *decider) economise() Decision {
	if out, done := d.giveBack(); done {
		return out
	}
	if d.cheapEnough() {
		return d.hold(ReasonSettled, "maxCostPerRequestUSD is met, and nothing else asks for less")
	}
	best, blocked := d.bestMove()
	if best != nil {
		reason := ReasonProven
		if best.to > best.from {
			reason = ReasonCheaper
		}
		return d.shift(best.from, best.to, best.points, reason, d.gain(best))
	}
	if out, done := d.explore(); done {
		return out
	}
	return d.settled(blocked)
}

// cheapEnough holds when nothing guards quality and the cost objective is met:
// then every further step down would be a loss that nobody measures.
func (d *decider) cheapEnough() bool {
	return d.s.MinQuality == 0 && d.s.MaxCostUSD > 0 && d.in.Pressure == NoPressure && d.costVerdict().Status == Pass
}

// bestMove is the move to make, or nil and why the one that came nearest is not.
func (d *decider) bestMove() (best *move, obstacle string) {
	for from := range d.tiers {
		for to := range d.tiers {
			m, ok := d.candidate(from, to)
			if !ok {
				continue
			}
			if why := d.obstacle(&m); why != "" {
				obstacle = why
				continue
			}
			if best == nil || m.better(best) {
				best = &m
			}
		}
	}
	return best, obstacle
}

// candidate is the step between two tiers, if it saves and the target is measured.
func (d *decider) candidate(from, to int) (move, bool) {
	f, t := &d.tiers[from], &d.tiers[to]
	if from == to || f.share == 0 || !f.Cost.known() || !t.Cost.known() || !d.ready(to) {
		return move{}, false
	}
	if !d.saves(from, to) {
		return move{}, false
	}
	m := move{from: from, to: to, points: min(d.s.StepPercent, f.share), saving: f.Cost.perRequest() - t.Cost.perRequest()}
	if d.quality >= 0 {
		m.loss = f.Tracks[d.quality].Evidence.mean() - t.Tracks[d.quality].Evidence.mean()
		m.quality = d.after(from, to, m.points, d.quality)
	}
	return m, true
}

// saves holds when a request is cheaper by enough on the other tier, and for a more
// capable one certainly so.
func (d *decider) saves(from, to int) bool {
	f, t := &d.tiers[from].Cost, &d.tiers[to].Cost
	saving, needed := f.perRequest()-t.perRequest(), leastSaving
	if to > from {
		const errors = 3 // standard errors
		saving -= errors * math.Hypot(f.standardError(), t.standardError())
		needed = leastReturn
	}
	return saving > 0 && saving >= needed*f.perRequest()
}

// ready holds when everything that is tested was measured often enough at the tier.
func (d *decider) ready(i int) bool {
	for _, m := range d.needed() {
		if !d.tiers[i].Tracks[m].enough(d.s.MinSamples) {
			return false
		}
	}
	return true
}

// needed are the measures that a tier must have values of before it gets more.
func (d *decider) needed() []measure {
	list := []measure{answered}
	if d.quality >= 0 {
		list = append(list, d.quality)
	}
	if d.target[prompt] > 0 {
		list = append(list, prompt)
	}
	return list
}

// obstacle is what speaks against the move; empty: nothing.
func (d *decider) obstacle(m *move) string {
	name := d.tiers[m.to].name
	if wait := d.blocked(m.to); wait > 0 {
		return fmt.Sprintf("%s failed and is tried again in %s", name, wait.Round(time.Minute))
	}
	if d.missed(m.to, answered) || d.missed(m.to, validated) {
		return fmt.Sprintf("too few of %s's answers are whole and valid", name)
	}
	if d.quality >= 0 && !(m.quality.lower >= d.target[d.quality]) {
		return fmt.Sprintf("with %d %% more on %s, quality is %.3f with a lower bound of %.3f < %.2f (n=%.0f)",
			m.points, name, m.quality.mean, m.quality.lower, d.target[d.quality], m.quality.n)
	}
	if d.target[prompt] > 0 {
		if after := d.after(m.from, m.to, m.points, prompt); !(after.lower >= d.target[prompt]) {
			return fmt.Sprintf("with %d %% more on %s, no more than %s of requests are proven to end within %s, less than %s",
				m.points, name, percent(after.lower), d.s.MaxLatencyP95, percent(d.target[prompt]))
		}
	}
	return ""
}

// better orders moves by what they save for the quality they cost; those that cost
// none come first. This is the way along the lower hull of cost over quality, and
// so to the cheapest mixture.
func (m *move) better(than *move) bool {
	free, thanFree := m.loss <= 0, than.loss <= 0
	if free != thanFree {
		return free
	}
	if free {
		return m.saving > than.saving
	}
	return m.saving*than.loss > than.saving*m.loss
}

// gain gives the figures of a move that is made.
func (d *decider) gain(m *move) string {
	text := ""
	if d.quality >= 0 {
		text = d.describe(d.quality, &m.quality) + ", "
	}
	before, _, ok := d.cost()
	if !ok || before == 0 {
		return text + fmt.Sprintf("saves %s USD for each request that moves", usd(m.saving))
	}
	change := 100 * (d.tiers[m.to].Cost.perRequest() - d.tiers[m.from].Cost.perRequest()) * float64(m.points) / 100 / before
	return text + fmt.Sprintf("cost −%.0f %%", math.Abs(change))
}

// explore gives a little traffic to a tier that may be cheaper and is not measured
// enough, one tier at a time, the most capable first.
func (d *decider) explore() (Decision, bool) {
	for i, t := range d.tiers {
		if t.share > 0 && !d.ready(i) {
			return d.hold(ReasonTooFewSamples, d.missing(i)), true
		}
	}
	for to := len(d.tiers) - 1; to >= 0; to-- {
		from := d.richest(to)
		if from < 0 || !d.unexplored(to) {
			continue
		}
		if d.s.Mode == v1alpha1.ShiftAutomatic {
			d.cleanse(to)
		}
		points := min(explorePercent, d.s.StepPercent, d.tiers[from].share)
		return d.shift(from, to, points, ReasonExploring,
			fmt.Sprintf("to measure what %s can do; at least %d values are needed", d.tiers[to].name, d.s.MinSamples)), true
	}
	return Decision{}, false
}

// unexplored holds for an idle tier of which nothing is known that still counts.
func (d *decider) unexplored(i int) bool {
	known := d.ready(i) && !d.soiled(i) && !d.outdated(i)
	return d.tiers[i].share == 0 && !known && d.blocked(i) == 0
}

// soiled holds when what is known of an idle tier is that it failed.
func (d *decider) soiled(i int) bool {
	for _, m := range d.tested() {
		if d.missed(i, m) {
			return true
		}
	}
	return false
}

// cleanse forgets the failures and the outdated cost of an idle tier that is tried
// again.
func (d *decider) cleanse(i int) {
	if d.outdated(i) {
		d.tiers[i].Cost = Cost{}
	}
	for _, m := range d.tested() {
		if d.missed(i, m) {
			d.tiers[i].Tracks[m] = Track{}
			d.tiers[i].Tracks[m].refresh(m, d.in.Now)
		}
	}
}

// richest is the tier with the most traffic of those that the other may turn out to
// be cheaper than; -1: there is none.
func (d *decider) richest(to int) int {
	best := -1
	for i := range d.tiers {
		if i != to && d.tiers[i].share > 0 && (best < 0 || d.tiers[i].share > d.tiers[best].share) && d.promising(i, to) {
			best = i
		}
	}
	return best
}

// costMemory is how long an idle tier's cost counts against it: its price may have
// come down, which only traffic shows.
const costMemory = 24 * time.Hour

func (d *decider) outdated(i int) bool { return d.in.Now.Sub(d.tiers[i].Costed) > costMemory }

// promising holds when a tier may turn out to be cheaper than another: a less
// capable one unless it is known not to be, a more capable one if it is known to be.
func (d *decider) promising(than, to int) bool {
	f, t := &d.tiers[than], &d.tiers[to]
	if !f.Cost.known() || !t.Cost.known() || to < than && d.outdated(to) {
		return to < than
	}
	return d.saves(than, to)
}

// missing says which values a tier in use lacks.
func (d *decider) missing(i int) string {
	for _, m := range d.needed() {
		if track := &d.tiers[i].Tracks[m]; !track.enough(d.s.MinSamples) {
			return fmt.Sprintf("%s has %.0f of %d values of %s", d.tiers[i].name, track.Evidence.count(), d.s.MinSamples, m.name())
		}
	}
	return ""
}

// settled holds, and says what would have to change.
func (d *decider) settled(obstacle string) Decision {
	if cost := d.verdict(ObjectiveCost); cost != nil && cost.Status == Fail {
		why := "no tier that may answer is cheaper; raise maxCostPerRequestUSD or add a tier"
		if obstacle != "" {
			why = "quality goes first: " + obstacle + "; raise maxCostPerRequestUSD or lower minQuality"
		}
		return d.hold(ReasonConflict, cost.Message+", but "+why)
	}
	message := "the cheapest tiers have all the traffic that they may have"
	if obstacle != "" {
		message = obstacle
	}
	if d.quality >= 0 {
		s := d.stand(d.quality)
		message = d.describe(d.quality, &s) + "; " + message
	}
	return d.hold(ReasonSettled, message)
}

func (d *decider) verdict(o Objective) *Verdict {
	for i := range d.verdicts {
		if d.verdicts[i].Objective == o {
			return &d.verdicts[i]
		}
	}
	return nil
}
