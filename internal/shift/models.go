package shift

import (
	"cmp"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

// ModelState is how fast a model of a tier was of late, the latest windows weighing
// most. It tells which of a tier's models to turn to; that the tier is too slow is
// proven by the tier's own track.
type ModelState struct {
	Model
	// N requests were answered, Within of them within the limit.
	N, Within float64
}

// modelDecay is the weight of a window beside the next: a fifth is left after seven.
const modelDecay = 0.8

// maxStateModels is the most models that a tier has.
const maxStateModels = 32

func saneModels(models []ModelState) bool {
	for i, m := range models {
		if m.N < 0 || m.Within < 0 || m.Within > m.N*1.001+1e-6 || i > 0 && models[i-1].Compare(m.Model) >= 0 {
			return false
		}
	}
	return len(models) <= maxStateModels
}

func (t *TierState) learnModels(samples []ModelSample, limit float64) {
	t.Models = slices.Clone(t.Models)
	for i := range samples {
		m := t.model(samples[i].Model)
		if m == nil {
			continue
		}
		n := samples[i].Durations.Count()
		m.N, m.Within = modelDecay*m.N+n, modelDecay*m.Within+min(samples[i].Durations.within(limit), n)
	}
}

// model finds or begins the state of a model; nil: there are too many.
func (t *TierState) model(name Model) *ModelState {
	at, found := slices.BinarySearchFunc(t.Models, name, func(m ModelState, name Model) int { return m.Compare(name) })
	if !found {
		if len(t.Models) == maxStateModels {
			return nil
		}
		t.Models = slices.Insert(t.Models, at, ModelState{Model: name})
	}
	return &t.Models[at]
}

// modelView is a model with its share of the tier.
type modelView struct {
	Model
	percent, selected int32
	n, prompt         float64
}

// measured is whether anything can be said of the model.
func (m *modelView) measured() bool { return m.n >= leastCollapse }

// slow is whether it is known to be too slow.
func (m *modelView) slow() bool { return m.measured() && m.prompt < leastPrompt }

// modelsOf are the tier's models with their shares: those of the status, or else as
// requests were answered of late. None when that is not known, or there is no
// choice.
func (d *decider) modelsOf(tier int) []modelView {
	t := &d.tiers[tier]
	if len(t.models) < 2 || len(t.models) > maxStateModels {
		return nil
	}
	views := make([]modelView, len(t.models))
	total := 0.0
	for i, name := range t.models {
		views[i].Model = name
		at, found := slices.BinarySearchFunc(t.Models, name, func(m ModelState, name Model) int { return m.Compare(name) })
		if found && t.Models[at].N > 0 {
			views[i].n, views[i].prompt = t.Models[at].N, t.Models[at].Within/t.Models[at].N
			total += views[i].n
		}
	}
	if d.readModels(t.name, views) {
		return views
	}
	if total < leastCollapse {
		return nil
	}
	apportion(views, total)
	return views
}

// readModels takes the shares of the status, if they fit the models.
func (d *decider) readModels(tier string, views []modelView) bool {
	sum, selected := int32(0), int32(0)
	for _, share := range d.models {
		if share.Tier != tier {
			continue
		}
		name := Model{share.Model, string(share.Provider)}
		i := slices.IndexFunc(views, func(v modelView) bool { return v.Model == name })
		if i < 0 || share.Percent < 0 || share.Selected < 0 || views[i].percent+views[i].selected > 0 {
			return false
		}
		views[i].percent, views[i].selected = share.Percent, share.Selected
		sum += share.Percent
		selected += share.Selected
	}
	return sum == 100 && selected == 100
}

// fittingModels are the shares of the status that fit the tiers.
func (d *decider) fittingModels() []v1alpha1.ModelShare {
	var out []v1alpha1.ModelShare
	for _, t := range d.tiers {
		views := make([]modelView, len(t.models))
		for i, name := range t.models {
			views[i].Model = name
		}
		if shares := sharesOf(d.models, t.name); d.readModels(t.name, views) {
			out = append(out, shares...)
		}
	}
	return out
}

// apportion gives each model its percentage of what was answered, by largest
// remainders.
func apportion(views []modelView, total float64) {
	left := int32(100)
	for i := range views {
		views[i].percent = int32(100 * views[i].n / total)
		left -= views[i].percent
	}
	byRemainder := make([]int, len(views))
	for i := range byRemainder {
		byRemainder[i] = i
	}
	remainder := func(i int) float64 { return 100*views[i].n/total - float64(views[i].percent) }
	slices.SortStableFunc(byRemainder, func(a, b int) int { return cmp.Compare(remainder(b), remainder(a)) })
	for _, i := range byRemainder[:min(max(left, 0), int32(len(views)))] {
		views[i].percent++
	}
	for i := range views {
		views[i].selected = views[i].percent
	}
}

// sidestep moves what is too slow to another model of the same tier, which costs
// neither quality nor, mostly, money: in collapse all of the model's share.
func (d *decider) sidestep(tier int, m measure, collapse bool, what string) (Decision, bool) {
	if m != prompt {
		return Decision{}, false
	}
	views := d.modelsOf(tier)
	from, to := slowest(views), d.sibling(tier, views)
	if from < 0 || to < 0 || from == to {
		return Decision{}, false
	}
	step, reason := min(d.s.StepPercent, views[from].percent), ReasonLatencyAbove
	if collapse {
		step, reason = views[from].percent, ReasonCollapsed
	}
	what += fmt.Sprintf(", %s at %s (n=%.0f)", views[from].Name, percent(views[from].prompt), views[from].n)
	if d.s.Mode == v1alpha1.ShiftAutomatic {
		// What was measured is of another mixture of models than the one to come.
		d.tiers[tier].Tracks[m] = Track{Until: d.in.Now.Add(reseededLifetime)}
		if d.state.Route[m].relax(); collapse {
			d.state.Route[m] = Detector{}
		}
	}
	return d.sideways(tier, views, from, to, step, reason, what), true
}

// slowest is the model in use that is known to be too slow, and most so; -1: none.
func slowest(views []modelView) int {
	worst := -1
	for i := range views {
		if v := &views[i]; v.percent > 0 && v.slow() && (worst < 0 || v.prompt < views[worst].prompt) {
			worst = i
		}
	}
	return worst
}

// sibling is the model to turn to: the fastest that is known to be fast enough, or
// one of which nothing is known; -1: none.
func (d *decider) sibling(tier int, views []modelView) int {
	best := -1
	for i := range views {
		v := &views[i]
		if v.slow() || d.blockedFor(d.modelName(tier, v)) > 0 {
			continue
		}
		if best < 0 || v.measured() && (!views[best].measured() || v.prompt > views[best].prompt) {
			best = i
		}
	}
	return best
}

// modelName is how records call a model.
func (d *decider) modelName(tier int, v *modelView) string { return d.tiers[tier].name + "/" + v.Name }

// giveBack returns a step to a model that was too slow, once it may be tried again,
// and further steps while it is fast enough.
func (d *decider) giveBack() (Decision, bool) {
	for tier := range d.tiers {
		if d.tiers[tier].share == 0 || len(sharesOf(d.models, d.tiers[tier].name)) == 0 {
			continue
		}
		views := d.modelsOf(tier)
		from, to := surplus(views), d.owed(tier, views)
		if from < 0 || to < 0 {
			continue
		}
		step := min(d.s.StepPercent, views[from].percent-views[from].selected, views[to].selected-views[to].percent)
		what := "is tried again"
		if views[to].measured() && !views[to].slow() {
			what = fmt.Sprintf("is fast enough: %s of its requests within the latency limit (n=%.0f)", percent(views[to].prompt), views[to].n)
		} else if d.s.Mode == v1alpha1.ShiftAutomatic {
			*d.tiers[tier].model(views[to].Model) = ModelState{Model: views[to].Model}
		}
		return d.sideways(tier, views, from, to, step, ReasonRecovered, views[to].Name+" "+what), true
	}
	return Decision{}, false
}

// surplus is the model that has most more than was selected; -1: none.
func surplus(views []modelView) int {
	best := -1
	for i := range views {
		if more := views[i].percent - views[i].selected; more > 0 && (best < 0 || more > views[best].percent-views[best].selected) {
			best = i
		}
	}
	return best
}

// owed is a model that may get back some of its share; -1: none.
func (d *decider) owed(tier int, views []modelView) int {
	return slices.IndexFunc(views, func(v modelView) bool {
		return v.percent < v.selected && d.blockedFor(d.modelName(tier, &v)) == 0 && (v.measured() && !v.slow() || d.untried(tier, &v))
	})
}

// untried holds for a model that was not given anything back since it failed.
func (d *decider) untried(tier int, v *modelView) bool {
	name := d.modelName(tier, v)
	for i := range d.in.Shifts { // the latest first
		switch r := &d.in.Shifts[i]; {
		case r.Recommended:
		case r.To == name:
			return false
		case r.From == name:
			return true
		}
	}
	return true
}

// sideways moves percent points of the tier's traffic between two of its models.
func (d *decider) sideways(tier int, views []modelView, from, to int, points int32, reason Reason, message string) Decision {
	out := d.hold(reason, "")
	before := views[to].percent
	views[from].percent -= points
	views[to].percent += points
	out.Direction = v1alpha1.ShiftSideways
	out.Message = d.say(fmt.Sprintf("%s %d→%d %% of %s (from %s): %s",
		views[to].Name, before, views[to].percent, d.tiers[tier].name, views[from].Name, message))
	record := &v1alpha1.ShiftRecord{
		Time: metav1.NewTime(d.in.Now), Direction: out.Direction, From: d.modelName(tier, &views[from]), To: d.modelName(tier, &views[to]),
		Percent: points, Reason: string(reason), Message: out.Message,
	}
	if d.s.Mode == v1alpha1.ShiftAutomatic {
		out.Models, out.Record = d.withModels(tier, views), record
		return out
	}
	out.Message += " (recommended only)"
	if len(d.in.Shifts) == 0 || !d.in.Shifts[0].Recommended || d.in.Shifts[0].From != record.From || d.in.Shifts[0].To != record.To {
		record.Recommended = true
		out.Record = record
	}
	return out
}

// withModels are the shares of all tiers with those of one put anew; a tier that is
// as its selection has it needs none.
func (d *decider) withModels(tier int, views []modelView) []v1alpha1.ModelShare {
	var out []v1alpha1.ModelShare
	for i, t := range d.tiers {
		if i != tier {
			out = append(out, sharesOf(d.models, t.name)...)
			continue
		}
		if surplus(views) < 0 {
			continue
		}
		for _, v := range views {
			out = append(out, v1alpha1.ModelShare{
				Tier: t.name, Model: v.Name, Provider: v1alpha1.Provider(v.Provider), Percent: v.percent, Selected: v.selected,
			})
		}
	}
	return out
}

func sharesOf(all []v1alpha1.ModelShare, tier string) []v1alpha1.ModelShare {
	return slices.DeleteFunc(slices.Clone(all), func(s v1alpha1.ModelShare) bool { return s.Tier != tier })
}
