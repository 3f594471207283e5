package shift

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

// Decision is what is to be done and why.
type Decision struct {
	// Split is to be in force, by ascending rank, without empty shares. It is the
	// live split when nothing moves.
	Split []v1alpha1.TierShare
	// Models are to be in force: how tiers that were too slow spread their share.
	Models []v1alpha1.ModelShare
	// Recommended is what mode Recommend would move to; nil when it would not.
	Recommended []v1alpha1.TierShare
	// Direction is empty when nothing moves, nor would.
	Direction v1alpha1.ShiftDirection
	// Reason is one word, and Message the figures behind it.
	Reason  Reason
	Message string
	// Record is to be put before the route's shifts; nil: there is nothing new to
	// record.
	Record *v1alpha1.ShiftRecord
	// Verdicts say how each objective stands.
	Verdicts []Verdict
	// Window is for the route's status; nil: nothing was measured.
	Window *v1alpha1.WindowStatus
	// State is to be handed to the next call.
	State State
	// Recheck is when to measure and decide again.
	Recheck time.Duration
}

// Due is how long to wait before the next window is worth measuring; 0: now. The
// window then reaches from State.Through, or one interval back, to now.
func Due(state *State, settings *Settings, now time.Time) time.Duration {
	since := now.Sub(state.Through)
	if state.Through.IsZero() || since < 0 {
		return 0
	}
	return max(settings.Interval-since, 0)
}

// Decide makes one decision. It is a pure function of its input: the same input
// gives the same decision, whatever the order of what has no order.
func Decide(in Input) Decision {
	d := newDecider(&in)
	if reason, message := d.standing(); reason != "" {
		return d.hold(reason, message)
	}
	if !d.readSplit() {
		return d.begin()
	}
	reason, message := d.absorb()
	d.assess()
	if reason != "" {
		return d.hold(reason, message)
	}
	return d.choose()
}

// decider is one decision in the making.
type decider struct {
	in *Input
	s  *Settings
	// tiers are parallel to in.Tiers.
	tiers []tierView
	// models are the shares of the status that still fit.
	models []v1alpha1.ModelShare
	state  State
	// quality is the measure that minQuality is held against; -1: none.
	quality measure
	// target is what each measure's mean must reach; 0: it is not tested.
	target [measures]float64
	// alarm is the level from which a detector's word is taken, strictness that
	// of the confidence sequences.
	alarm, strictness float64
	pooled            Histogram
	requests          float64
	verdicts          []Verdict
	notes             []string
}

// tierView is a tier with its share in percent and what is known of it.
type tierView struct {
	name   string
	share  int32
	models []Model
	*TierState
}

const (
	// falseAlarms is how many false alarms a week all detectors of a route
	// together may raise.
	falseAlarms = 0.05
	// doubt is the chance that any tier's proven mean is wrong at any time while
	// its evidence lasts.
	doubt = 0.05
)

func newDecider(in *Input) *decider {
	d := &decider{in: in, s: &in.Settings, state: in.State, quality: -1, models: in.Models}
	d.state.fit(in.Tiers)
	for _, t := range in.Tiers {
		d.tiers = append(d.tiers, tierView{name: t.Name, models: t.Models, TierState: d.state.tier(t)})
	}
	d.models = d.fittingModels()
	if limit := d.s.MaxLatencyP95.Seconds(); d.state.MaxLatency != limit {
		d.state.MaxLatency = limit
		d.state.Route[prompt] = Detector{}
		for _, t := range d.tiers {
			t.Tracks[prompt], t.Models = Track{}, nil
		}
	}
	return d
}

// standing is why there is nothing to decide; empty: there is.
func (d *decider) standing() (Reason, string) {
	switch {
	case d.s.Mode != v1alpha1.ShiftAutomatic && d.s.Mode != v1alpha1.ShiftRecommend:
		return ReasonOff, "shift.mode is Off"
	case d.in.Suspended:
		return ReasonSuspended, "spec.suspend is true: the split stays as it is"
	case d.s.fault() != "":
		return ReasonInvalid, d.s.fault() + ": the split stays as it is"
	case len(d.tiers) == 0:
		return ReasonNoTier, "no tier may answer on the route"
	}
	return "", ""
}

// readSplit takes the live split, and reports whether it fits the tiers.
func (d *decider) readSplit() bool {
	sum := int32(0)
	for _, share := range d.in.Split {
		if share.Percent == 0 {
			continue
		}
		i := d.tierIndex(share.Tier)
		if i < 0 || share.Percent < 0 || share.Percent > 100 || d.tiers[i].share != 0 {
			return false
		}
		d.tiers[i].share = share.Percent
		sum += share.Percent
	}
	return sum == 100
}

func (d *decider) tierIndex(name string) int {
	return slices.IndexFunc(d.tiers, func(t tierView) bool { return t.name == name })
}

// begin takes the split that routers serve without one, so that nothing jumps.
func (d *decider) begin() Decision {
	at := d.tierIndex(d.in.Initial)
	if at < 0 {
		at = len(d.tiers) - 1
	}
	for i := range d.tiers {
		d.tiers[i].share = 0
	}
	d.tiers[at].share = 100
	why := "there is no split yet"
	if len(d.in.Split) > 0 {
		why = "the split does not fit the tiers that may answer"
	}
	out := d.hold(ReasonInitial, fmt.Sprintf("%s: all that classification leaves undecided goes to %s", why, d.tiers[at].name))
	out.Split = d.shares()
	return out
}

func (d *decider) shares() []v1alpha1.TierShare {
	var out []v1alpha1.TierShare
	for _, t := range d.tiers {
		if t.share > 0 {
			out = append(out, v1alpha1.TierShare{Tier: t.name, Percent: t.share})
		}
	}
	return out
}

// hold moves nothing.
func (d *decider) hold(reason Reason, message string) Decision {
	return Decision{
		Split: slices.Clone(d.in.Split), Models: d.models, Reason: reason, Message: d.say(message), Verdicts: d.verdicts,
		Window: d.window(), State: d.state, Recheck: d.recheck(),
	}
}

func (d *decider) say(message string) string {
	return d.in.Route + ": " + strings.Join(append([]string{message}, d.notes...), "; ")
}

func (d *decider) recheck() time.Duration {
	if d.s.Interval <= 0 {
		return v1alpha1.DefaultShiftInterval
	}
	if wait := Due(&d.state, d.s, d.in.Now); wait > 0 {
		return wait
	}
	return d.s.Interval
}

// shift moves so many percent points from one tier to another, or in mode
// Recommend says that it would.
func (d *decider) shift(from, to int, percent int32, reason Reason, message string) Decision {
	out := d.hold(reason, "")
	before := d.tiers[to].share
	d.tiers[from].share -= percent
	d.tiers[to].share += percent
	out.Direction = v1alpha1.ShiftDown
	if to > from {
		out.Direction = v1alpha1.ShiftUp
	}
	out.Message = d.say(fmt.Sprintf("%s %d→%d %% (from %s): %s", d.tiers[to].name, before, d.tiers[to].share, d.tiers[from].name, message))
	record := &v1alpha1.ShiftRecord{
		Time: metav1.NewTime(d.in.Now), Direction: out.Direction, From: d.tiers[from].name, To: d.tiers[to].name,
		Percent: percent, Reason: string(reason), Message: out.Message,
	}
	if d.s.Mode == v1alpha1.ShiftAutomatic {
		out.Split, out.Record = d.shares(), record
		return out
	}
	out.Message += " (recommended only)"
	out.Recommended = d.shares()
	if !slices.Equal(out.Recommended, d.in.Recommended) {
		record.Recommended = true
		out.Record = record
	}
	return out
}

// absorb learns from the window. A reason says why there was nothing to learn.
func (d *decider) absorb() (Reason, string) {
	w := &d.in.Window
	d.setTargets()
	if reason, message := d.windowFault(w); reason != "" {
		return reason, message
	}
	var all []tierWindow
	for i := range w.Samples {
		s := &w.Samples[i]
		at := d.tierIndex(s.Tier)
		if at < 0 {
			continue // it may no longer answer
		}
		if err := s.check(); err != nil {
			return ReasonMetricsUnavailable, err.Error() + ": the split stays as it is"
		}
		evidence, err := s.evidence(d.s.MaxLatencyP95.Seconds())
		if err != nil {
			return ReasonMetricsUnavailable, fmt.Sprintf("tier %s: a histogram of scores %v: the split stays as it is", s.Tier, err)
		}
		all = append(all, tierWindow{at, s, evidence})
	}
	d.learn(all)
	d.state.Through = w.End
	if d.requests == 0 {
		return ReasonNoTraffic, "no request ended in the window: the split stays as it is"
	}
	return "", ""
}

type tierWindow struct {
	tier     int
	sample   *Sample
	evidence [measures]Evidence
}

func (d *decider) windowFault(w *Window) (Reason, string) {
	switch {
	case w.Fault != "":
		return ReasonMetricsUnavailable, w.Fault + ": the split stays as it is"
	case !w.End.After(w.Start):
		return ReasonMetricsUnavailable, "the window is empty: the split stays as it is"
	case w.End.After(d.in.Now.Add(clockSkew)):
		return ReasonMetricsUnavailable, "the window ends in the future, a clock is wrong: the split stays as it is"
	case d.in.Now.Sub(w.End) > 2*d.s.Interval:
		return ReasonMetricsUnavailable, fmt.Sprintf("the last measurement is %s old: the split stays as it is",
			d.in.Now.Sub(w.End).Round(time.Second))
	case w.Start.Before(d.state.Through.Add(-clockSkew)) && !d.state.Through.IsZero():
		return ReasonCounted, "the window was counted already"
	}
	return "", ""
}

// clockSkew is how far the clocks of those who measure may be apart.
const clockSkew = 2 * time.Second

// setTargets says what is tested, and how strictly.
func (d *decider) setTargets() {
	d.target[answered] = leastAnswered
	if d.s.MaxLatencyP95 > 0 {
		d.target[prompt] = leastPrompt
	}
	if d.s.MinQuality > 0 {
		d.quality = d.trustedQuality()
		d.target[d.quality] = d.s.MinQuality
		// No more answers can be good than are valid.
		d.target[validated] = d.s.MinQuality
	}
	detectors := len(d.tested()) * (1 + len(d.shares()))
	week := float64(7*24*time.Hour) / float64(d.s.Interval)
	d.alarm = math.Log(float64(detectors) * max(week, 1) / falseAlarms)
	d.strictness = math.Log(float64(len(d.tiers)) / doubt)
}

// trustedQuality is the most trusted source that has said anything of any tier.
func (d *decider) trustedQuality() measure {
	for i, source := range sources {
		m := measureOf(i)
		for _, t := range d.tiers {
			if t.Tracks[m].Evidence.count() > 0 {
				return m
			}
		}
		for j := range d.in.Window.Samples {
			if scores := d.in.Window.Samples[j].Scores[source]; scores.Count() > 0 {
				return m
			}
		}
	}
	return judged
}

func (d *decider) learn(all []tierWindow) {
	for i := range d.tiers {
		for m := range measures {
			d.tiers[i].Tracks[m].refresh(m, d.in.Now)
		}
	}
	slices.SortFunc(all, func(a, b tierWindow) int { return a.tier - b.tier }) // sums of floats depend on their order
	var pooled [measures]Evidence
	for i := range all {
		w := &all[i]
		t := d.tiers[w.tier]
		d.requests += w.sample.Requests
		d.pooled.pool(&w.sample.Durations)
		if w.sample.Requests > 0 {
			t.Cost.observe(w.sample.Requests, w.sample.CostUSD)
			t.Costed = d.in.Window.End
		}
		if d.target[prompt] > 0 {
			t.learnModels(w.sample.Models, d.s.MaxLatencyP95.Seconds())
		}
		for m := range measures {
			if w.evidence[m].count() == 0 {
				continue
			}
			pooled[m].merge(&w.evidence[m])
			d.learnTier(&t.Tracks[m], m, &w.evidence[m])
		}
	}
	for m := range measures {
		if d.target[m] > 0 {
			mean, variance := d.spread(m)
			d.state.Route[m].observe(&pooled[m], d.target[m], bets(d.target[m], mean, variance), d.most(m), d.alarm+2)
		}
	}
}

// most is how much a window may add to a detector: latency breathes, so that two
// windows are needed to say that it is too great.
func (d *decider) most(m measure) float64 {
	if m == prompt {
		return d.alarm/2 + 1
	}
	return math.Inf(1)
}

func (d *decider) learnTier(t *Track, m measure, window *Evidence) {
	if target := d.target[m]; target > 0 {
		null := target
		if t.Base > 0 {
			null = t.Base
		}
		t.Detector.observe(window, null, bets(null, t.Evidence.mean(), t.Evidence.variance()), d.most(m), d.alarm+2)
	}
	before := t.enough(d.s.MinSamples)
	t.Evidence.merge(window)
	t.prove(d.strictness)
	switch {
	case before:
		t.Base = max(t.Base, t.Lower) // what was proven once holds for all of the evidence
	case t.enough(d.s.MinSamples):
		t.Base = t.Lower // and takes the place of what older evidence proved
	}
}

// spread is the mean and variance of the measure over all tiers.
func (d *decider) spread(m measure) (mean, variance float64) {
	var all Evidence
	for _, t := range d.tiers {
		all.merge(&t.Tracks[m].Evidence)
	}
	return all.mean(), all.variance()
}
