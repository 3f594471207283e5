package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What stands in for fields that a manifest leaves out, and that the API server
// does not fill in because they, or their parents, stand below a list item or an
// omitted object.
const (
	// DefaultWeight is [TierModel.Weight].
	DefaultWeight int32 = 100

	// DefaultFirstTokenTimeout is [ModelTimeouts.FirstToken].
	DefaultFirstTokenTimeout = 30 * time.Second
	// DefaultIdleTimeout is [ModelTimeouts.Idle].
	DefaultIdleTimeout = time.Minute
	// DefaultRequestTimeout is [ModelTimeouts.Request].
	DefaultRequestTimeout = 10 * time.Minute

	// DefaultProbeInterval is [CredentialProbe.Interval].
	DefaultProbeInterval = 10 * time.Minute

	// DefaultRuleConfidence is [ClassificationRule.Confidence].
	DefaultRuleConfidence Decimal = "0.8"
	// DefaultMinConfidence is [ClassifierModel.MinConfidence].
	DefaultMinConfidence Decimal = "0.6"
	// DefaultLLMTimeout is [LLMClassifier.Timeout].
	DefaultLLMTimeout = 800 * time.Millisecond
	// DefaultLLMCacheTTL is [LLMClassifier.CacheTTL].
	DefaultLLMCacheTTL = 10 * time.Minute

	// DefaultJudgeSamplePercent is [Judge.SamplePercent].
	DefaultJudgeSamplePercent Decimal = "1"
	// DefaultJudgeMaxCostUSDPerDay is [Judge.MaxCostUSDPerDay].
	DefaultJudgeMaxCostUSDPerDay Decimal = "1"

	// DefaultMaxAttempts is [Fallback.MaxAttempts].
	DefaultMaxAttempts int32 = 3

	// DefaultShiftInterval is [Shift.Interval].
	DefaultShiftInterval = 5 * time.Minute
	// DefaultShiftStepPercent is [Shift.StepPercent].
	DefaultShiftStepPercent int32 = 10
	// DefaultShiftMinSamples is [Shift.MinSamples].
	DefaultShiftMinSamples int32 = 200
	// DefaultShiftCooldown is [Shift.Cooldown].
	DefaultShiftCooldown = 15 * time.Minute

	// DefaultGatewayReplicas is [Gateway.Replicas] without autoscaling: two, so
	// that the loss of a node interrupts nothing.
	DefaultGatewayReplicas int32 = 2
	// DefaultGatewayMinReplicas is [GatewayAutoscaling.MinReplicas].
	DefaultGatewayMinReplicas int32 = 2
	// DefaultGatewayTargetCPUPercent is [GatewayAutoscaling.TargetCPUPercent].
	DefaultGatewayTargetCPUPercent int32 = 70
	// DefaultGatewayPort is [GatewayService.Port].
	DefaultGatewayPort int32 = 8080
	// DefaultAudience is the one of [GatewayAuth.Audiences].
	DefaultAudience = "tiershift"
)

// DefaultFallbackCauses are [Fallback.Causes] of a policy that names none.
func DefaultFallbackCauses() []FallbackCause {
	return []FallbackCause{CauseTimeout, CauseRateLimited, CauseServerError, CauseConnectionError, CauseContextExceeded}
}

// Causes are the causes that lead to a next attempt, from whichever of [Fallback.On]
// and [Fallback.OnUnquoted] the manifest arrived in. An empty list turns fallback
// off. f may be nil.
func (f *Fallback) Causes() []FallbackCause {
	switch {
	case f != nil && f.On != nil:
		return f.On
	case f != nil && f.OnUnquoted != nil:
		return f.OnUnquoted
	}
	return DefaultFallbackCauses()
}

// ResolveShift is the shift in force for a route: each field is the route's, else
// the policy's, else its default. Objectives and Metrics are taken as a whole. Where
// neither has objectives there is nothing to shift towards, and Mode is [ShiftOff].
// Either argument may be nil, and neither is changed.
func ResolveShift(policy, route *Shift) Shift {
	resolved := Shift{
		Mode:        ShiftOff,
		Interval:    &metav1.Duration{Duration: DefaultShiftInterval},
		StepPercent: new(DefaultShiftStepPercent),
		MinSamples:  new(DefaultShiftMinSamples),
		Cooldown:    &metav1.Duration{Duration: DefaultShiftCooldown},
		Metrics:     &ShiftMetrics{},
	}
	for _, layer := range []*Shift{policy, route} {
		if layer != nil {
			overlayShift(&resolved, layer.DeepCopy())
		}
	}
	if resolved.Metrics.Source == "" {
		resolved.Metrics.Source = MetricsScrape
	}
	if resolved.Objectives == nil {
		resolved.Mode = ShiftOff
	}
	return resolved
}

// Shifts is whether a route with these resolved settings has a split of its own: it
// has objectives. Mode Off keeps the split that there is; without objectives there
// is none.
func Shifts(resolved *Shift) bool { return resolved.Objectives != nil }

func overlayShift(under, over *Shift) {
	if over.Mode != "" {
		under.Mode = over.Mode
	}
	overlay(&under.Interval, over.Interval)
	overlay(&under.StepPercent, over.StepPercent)
	overlay(&under.MinSamples, over.MinSamples)
	overlay(&under.Cooldown, over.Cooldown)
	overlay(&under.Objectives, over.Objectives)
	overlay(&under.Metrics, over.Metrics)
}

func overlay[T any](under **T, over *T) {
	if over != nil {
		*under = over
	}
}
