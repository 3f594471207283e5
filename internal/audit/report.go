package audit

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/tiershift/tiershift/internal/pricing"
)

// Report is what an audit found. It holds sums, names and line numbers, and
// nothing of any prompt or answer. Costs are decimal USD of the compared requests:
// those whose cost in the log is known.
type Report struct {
	// Log and Policy name what was audited.
	Log    string `json:"log"`
	Policy string `json:"policy"`
	// BaselineModel is the policy's baseline.
	BaselineModel string `json:"baselineModel"`

	// Lines are all that are not empty: Requests + the sum of SetAside +
	// Malformed.
	Lines     int64           `json:"lines"`
	Requests  int64           `json:"requests"`
	SetAside  map[Aside]int64 `json:"setAside"`
	Malformed int64           `json:"malformed"`
	// Problems are the first malformed lines, and Refused the first that the
	// policy would refuse.
	Problems []Problem `json:"problems"`
	Refused  []Problem `json:"refused"`

	Cost Costs `json:"cost"`
	// Classes are how demanding the requests are: SIMPLE, MODERATE, COMPLEX.
	Classes []Row `json:"classes"`
	// Judged is how many requests the policy did not classify, or not surely, so
	// that the class is the embedded classifier's.
	Judged int64 `json:"judgedByEmbeddedClassifier"`
	// Tiers and Served are where the policy would send them, in ascending rank.
	Tiers  []Row `json:"tiers"`
	Served []Row `json:"served"`
	Routes []Row `json:"routes"`
	// Models are those that the log names.
	Models []Row `json:"models"`
	// Sizes are the requests by class and size of the prompt.
	Sizes []Size `json:"promptSizes"`
}

// Costs set the three totals against each other.
type Costs struct {
	// Compared is the number of requests whose cost in the log is known.
	Compared int64 `json:"comparedRequests"`
	// LoggedUSD is what they cost, PolicyUSD what they would have cost under the
	// policy, and BaselineUSD all on the policy's baseline.
	LoggedUSD   string `json:"loggedUSD"`
	PolicyUSD   string `json:"policyUSD"`
	BaselineUSD string `json:"baselineUSD"`
	// SavedUSD and SavedPercent compare the policy with the log, and
	// SavedAgainstBaselinePercent with the baseline; negative: it costs more.
	SavedUSD                    string `json:"savedUSD"`
	SavedPercent                string `json:"savedPercent"`
	SavedAgainstBaselinePercent string `json:"savedAgainstBaselinePercent"`
	// Sources say how the logged costs are known, with the requests of each.
	Sources map[Source]int64 `json:"sources"`
	// EstimatedUSD is the part of LoggedUSD that rests on estimated tokens.
	EstimatedUSD string `json:"estimatedUSD"`
	// EstimatedUsage is the number of requests whose tokens are estimates.
	EstimatedUsage int64 `json:"requestsWithEstimatedTokens"`
}

// Row is a line of a table.
type Row struct {
	Name     string `json:"name"`
	Requests int64  `json:"requests"`
	// Share is of all requests, in [0,1].
	Share        float64 `json:"share"`
	Compared     int64   `json:"comparedRequests"`
	InputTokens  int64   `json:"inputTokens"`
	OutputTokens int64   `json:"outputTokens"`
	LoggedUSD    string  `json:"loggedUSD"`
	PolicyUSD    string  `json:"policyUSD"`
	BaselineUSD  string  `json:"baselineUSD"`

	logged, policy, baseline float64 // for the charts
}

// Size is a bin of prompt sizes.
type Size struct {
	// BelowTokens bounds the bin from above; 0: it has no bound.
	BelowTokens int64            `json:"belowTokens,omitempty"`
	Classes     map[string]int64 `json:"classes"`
}

// classOrder is the order of the classes.
var classOrder = []string{"SIMPLE", "MODERATE", "COMPLEX"}

func newReport(t *tally) *Report {
	saved := pricing.Savings{Baseline: t.all.logged, Actual: t.all.policy}
	against := pricing.Savings{Baseline: t.all.baseline, Actual: t.all.policy}
	r := &Report{
		Lines: t.lines, Requests: t.all.requests, SetAside: t.aside, Malformed: t.malformed,
		Problems: append([]Problem{}, t.unreadable.first()...), Refused: append([]Problem{}, t.refused.first()...),
		Cost: Costs{
			Compared: t.all.compared, LoggedUSD: t.all.logged.String(), PolicyUSD: t.all.policy.String(), BaselineUSD: t.all.baseline.String(),
			SavedUSD: saved.Saved().String(), SavedPercent: saved.Percent(), SavedAgainstBaselinePercent: against.Percent(),
			Sources: map[Source]int64{}, EstimatedUSD: "0", EstimatedUsage: t.estimatedUsage,
		},
		Judged: t.judged,
	}
	for source, c := range t.sources {
		r.Cost.Sources[source] = c.requests
		if source == FromText {
			r.Cost.EstimatedUSD = c.logged.String()
		}
	}
	r.Classes = rows(t.classes, r.Requests, byPlace(classOrder))
	r.Tiers = rows(t.tiers, r.Requests, byRequests)
	r.Served = rows(t.served, r.Requests, byRequests)
	r.Routes = rows(t.routes, r.Requests, byRequests)
	r.Models = rows(t.models, r.Requests, byRequests)
	r.Sizes = sizes(t)
	return r
}

// Name says what was audited, and puts the tiers in the policy's order.
func (r *Report) Name(log, policy, baseline string, tiers []string) {
	r.Log, r.Policy, r.BaselineModel = log, policy, baseline
	slices.SortStableFunc(r.Tiers, byPlace(tiers))
	slices.SortStableFunc(r.Served, func(a, b Row) int {
		return cmp.Compare(placeOfPrefix(tiers, a.Name), placeOfPrefix(tiers, b.Name))
	})
}

func placeOfPrefix(tiers []string, name string) int {
	return slices.IndexFunc(tiers, func(tier string) bool { return strings.HasPrefix(name, tier+"/") })
}

// byPlace orders as the names are listed.
func byPlace(names []string) func(a, b Row) int {
	return func(a, b Row) int {
		return cmp.Or(cmp.Compare(slices.Index(names, a.Name), slices.Index(names, b.Name)), cmp.Compare(a.Name, b.Name))
	}
}

func byRequests(a, b Row) int {
	return cmp.Or(cmp.Compare(b.Requests, a.Requests), cmp.Compare(a.Name, b.Name))
}

func rows(m cells, all int64, order func(a, b Row) int) []Row {
	out := make([]Row, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		c := m[name]
		out = append(out, Row{
			Name: name, Requests: c.requests, Share: float64(c.requests) / float64(all), Compared: c.compared,
			InputTokens: c.input, OutputTokens: c.output,
			LoggedUSD: c.logged.String(), PolicyUSD: c.policy.String(), BaselineUSD: c.baseline.String(),
			logged: c.logged.Float64(), policy: c.policy.Float64(), baseline: c.baseline.Float64(),
		})
	}
	slices.SortFunc(out, order)
	return out
}

// sizes are the bins from the first to the last that has requests.
func sizes(t *tally) []Size {
	out := make([]Size, sizeBins)
	last := -1
	for i := range out {
		out[i].Classes = map[string]int64{}
		if i < sizeBins-1 {
			out[i].BelowTokens = 1 << (firstBits + i)
		}
		for class, bins := range t.sizes {
			if bins[i] > 0 {
				out[i].Classes[class] = bins[i]
				last = i
			}
		}
	}
	return out[:last+1]
}
