package shift

import "fmt"

// Reason is why a decision was made, in one word.
type Reason string

// Reasons of shifts.
const (
	// ReasonExploring: a little traffic finds out what an unmeasured tier can do.
	ReasonExploring Reason = "Exploring"
	// ReasonProven: the objectives are proven to hold with more on a cheaper tier.
	ReasonProven Reason = "Proven"
	// ReasonCheaper: a more capable tier has become the cheaper one.
	ReasonCheaper Reason = "Cheaper"
	// ReasonQualityBelow, ReasonLatencyAbove and ReasonFailing: an objective is
	// missed, one step is taken.
	ReasonQualityBelow Reason = "QualityBelow"
	ReasonLatencyAbove Reason = "LatencyAbove"
	ReasonFailing      Reason = "RequestsFailing"
	// ReasonRecovered: a model gets back what its tier's selection gave it.
	ReasonRecovered Reason = "Recovered"
	// ReasonCollapsed: a tier misses it by far, and loses all traffic at once.
	ReasonCollapsed Reason = "Collapsed"
)

// Reasons to hold.
const (
	ReasonOff       Reason = "Off"
	ReasonSuspended Reason = "Suspended"
	ReasonInvalid   Reason = "Invalid"
	ReasonNoTier    Reason = "NoTier"
	// ReasonInitial: the safe initial split was taken.
	ReasonInitial Reason = "Initial"
	// ReasonNoTraffic and ReasonTooFewSamples: inconclusive.
	ReasonNoTraffic     Reason = "NoTraffic"
	ReasonTooFewSamples Reason = "TooFewSamples"
	// ReasonMetricsUnavailable: error.
	ReasonMetricsUnavailable Reason = "MetricsUnavailable"
	// ReasonCounted: this window was decided on before.
	ReasonCounted  Reason = "Counted"
	ReasonCooldown Reason = "Cooldown"
	// ReasonSettled: no cheaper split is proven to meet the objectives.
	ReasonSettled Reason = "Settled"
	// ReasonUnmeetable: an objective is missed, and no tier is left to turn to.
	ReasonUnmeetable Reason = "Unmeetable"
	// ReasonConflict: an objective is missed, and meeting it would cost quality.
	ReasonConflict Reason = "ObjectivesConflict"
)

// Objective is something that a route must keep.
type Objective string

// The objectives.
const (
	ObjectiveQuality Objective = "quality"
	ObjectiveCost    Objective = "cost"
	ObjectiveLatency Objective = "latency"
	// ObjectiveAnswered guards every route: a tier that fails is left.
	ObjectiveAnswered Objective = "answered"
)

// Status is a verdict's outcome. The last two hold the split where it is.
type Status string

// The statuses.
const (
	Pass         Status = "pass"
	Fail         Status = "fail"
	Inconclusive Status = "inconclusive"
	Error        Status = "error"
)

// Verdict says how an objective stands.
type Verdict struct {
	Objective Objective
	Status    Status
	// Value is measured at the live split: the mean quality, the USD per request,
	// the share of requests answered, or answered within the latency limit. Lower
	// bounds it, and Limit is what it is held against.
	Value, Lower, Limit float64
	// Samples are the values behind it.
	Samples float64
	Message string
}

// failure is the reason for a step away from a tier.
func (m measure) failure() Reason {
	switch m {
	case answered:
		return ReasonFailing
	case prompt:
		return ReasonLatencyAbove
	default:
		return ReasonQualityBelow
	}
}

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }
