package shift

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/metricnames"
)

// Input is all that a decision depends on. Decide changes nothing in it.
type Input struct {
	// Now is the time of the decision.
	Now time.Time
	// Route names the route, for messages.
	Route string
	// Settings are those in force for the route.
	Settings Settings
	// Suspended freezes the split: spec.suspend.
	Suspended bool
	// Tiers may answer on the route (within minTier and maxTier, usable), by
	// ascending rank.
	Tiers []Tier
	// Initial is the tier that serves what classification leaves undecided when
	// there is no split: lowConfidenceTier or defaultTier, within the bounds.
	Initial string
	// Split, Recommended and Shifts (the latest first) are those of the route's
	// status.
	Split, Recommended []v1alpha1.TierShare
	Models             []v1alpha1.ModelShare
	Shifts             []v1alpha1.ShiftRecord
	// Window is what was measured since State.Through.
	Window Window
	// State is that of the last decision; the zero State has learned nothing.
	State State
	// Pressure is what the budget asks for.
	Pressure Pressure
}

// Tier is a tier that may answer.
type Tier struct {
	Name string
	// Revision identifies what is in the tier. When it changes, what was learned
	// of the tier is forgotten.
	Revision string
	// Models are those of the tier, sorted. Latency is shed between them first.
	Models []Model
}

// Pressure is what a budget asks of the split. It never costs quality that
// objectives guard.
type Pressure int

const (
	// NoPressure asks for nothing.
	NoPressure Pressure = iota
	// PreferCheaper goes on moving down when maxCostPerRequestUSD is already met.
	PreferCheaper
)

// Settings are the resolved shift settings of a route.
type Settings struct {
	Mode               v1alpha1.ShiftMode
	Interval, Cooldown time.Duration
	// StepPercent is the most that one decision moves, in percent points.
	StepPercent int32
	// MinSamples is how many values a decision needs.
	MinSamples int32
	// MinQuality, in [0,1], MaxCostUSD per request and MaxLatencyP95 are the
	// objectives; 0: not looked at.
	MinQuality    float64
	MaxCostUSD    float64
	MaxLatencyP95 time.Duration
}

// NewSettings reads what v1alpha1.ResolveShift returns. The error names the field
// that cannot be read.
func NewSettings(s v1alpha1.Shift) (Settings, error) {
	out := Settings{Mode: s.Mode}
	if s.Interval != nil {
		out.Interval = s.Interval.Duration
	}
	if s.Cooldown != nil {
		out.Cooldown = s.Cooldown.Duration
	}
	if s.StepPercent != nil {
		out.StepPercent = *s.StepPercent
	}
	if s.MinSamples != nil {
		out.MinSamples = *s.MinSamples
	}
	o := s.Objectives
	if o == nil {
		return out, nil
	}
	if o.MaxLatencyP95 != nil {
		out.MaxLatencyP95 = o.MaxLatencyP95.Duration
	}
	var err error
	if out.MinQuality, err = decimal("minQuality", o.MinQuality); err != nil {
		return out, err
	}
	out.MaxCostUSD, err = decimal("maxCostPerRequestUSD", o.MaxCostPerRequestUSD)
	return out, err
}

func decimal(field string, d v1alpha1.Decimal) (float64, error) {
	if d == "" {
		return 0, nil
	}
	v, err := strconv.ParseFloat(string(d), 64)
	if err != nil || !isCount(v) {
		return 0, fmt.Errorf("shift.objectives.%s must be a decimal such as \"0.92\", not %q", field, string(d))
	}
	return v, nil
}

// fault is why no decision can be made with these settings; empty: it can.
func (s *Settings) fault() string {
	switch {
	case s.Interval <= 0:
		return "shift.interval must be positive"
	case s.Cooldown < 0:
		return "shift.cooldown must not be negative"
	case s.StepPercent < 1 || s.StepPercent > 100:
		return "shift.stepPercent must be from 1 to 100"
	case s.MinSamples < 1:
		return "shift.minSamples must be at least 1"
	case !(s.MinQuality >= 0 && s.MinQuality <= 1):
		return "shift.objectives.minQuality must be from 0 to 1"
	case !isCount(s.MaxCostUSD):
		return "shift.objectives.maxCostPerRequestUSD must be positive"
	case s.MaxLatencyP95 < 0:
		return "shift.objectives.maxLatencyP95 must be positive"
	}
	return ""
}

// Window is what the tiers of a route did from Start to End.
type Window struct {
	Start, End time.Time
	// Samples hold one entry for each tier that did anything.
	Samples []Sample
	// Fault says why there is no trustworthy measurement; empty: there is one.
	Fault string
}

// Sample is what one tier did in a window.
type Sample struct {
	Tier string
	// Requests ended in the window, Failed of them without a whole answer from
	// any provider.
	Requests, Failed float64
	// CostUSD is what they cost.
	CostUSD float64
	// Durations are in seconds.
	Durations Histogram
	// Models say the same of the models that answered, sorted; a tier of one model
	// needs none.
	Models []ModelSample
	// Scores are quality scores in [0,1] by their source.
	Scores map[Source]Histogram
}

// Model is a model of a tier, and its provider's kind. Accounts at the same kind of
// provider are not told apart.
type Model struct{ Name, Provider string }

// Compare orders models by name.
func (m Model) Compare(other Model) int {
	return cmp.Or(strings.Compare(m.Name, other.Name), strings.Compare(m.Provider, other.Provider))
}

// ModelSample is what one model of a tier did in a window, of the requests that it
// answered at the tier where they were placed.
type ModelSample struct {
	Model
	// Durations are in seconds.
	Durations Histogram
}

// Source is where a quality score comes from: the label source of
// tiershift_quality_score.
type Source string

// The sources.
const (
	SourceJudge      Source = "judge"
	SourceFeedback   Source = "feedback"
	SourceValidation Source = "validation"
)

// ScoreBuckets are the upper bounds that tiershift_quality_score is best counted
// with: scores of yes and no, of five stars and of tenths lie on them, so that
// nothing is lost.
var ScoreBuckets = metricnames.ScoreBuckets()

// check finds what no counter can say.
func (s *Sample) check() error {
	if !isCount(s.Requests) || !isCount(s.Failed) || !isCount(s.CostUSD) {
		return fmt.Errorf("tier %s: a counter %w", s.Tier, errNotFinite)
	}
	if s.Failed > s.Requests*1.01+0.5 {
		return fmt.Errorf("tier %s: more requests failed (%g) than ended (%g)", s.Tier, s.Failed, s.Requests)
	}
	if err := s.Durations.check(); err != nil {
		return fmt.Errorf("tier %s: the duration histogram %w", s.Tier, err)
	}
	for i := range s.Models {
		if err := s.Models[i].Durations.check(); err != nil {
			return fmt.Errorf("tier %s: the duration histogram of %s %w", s.Tier, s.Models[i].Name, err)
		}
	}
	for _, source := range sources {
		scores := s.Scores[source]
		if err := scores.check(); err != nil {
			return fmt.Errorf("tier %s: the %s scores' histogram %w", s.Tier, source, err)
		}
	}
	return nil
}
