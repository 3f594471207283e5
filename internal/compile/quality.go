package compile

import (
	"cmp"
	"math"
	"strconv"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/validation"
)

// validate is what the route's answers are checked for. What cannot be checked
// refuses the policy: without it every answer would pass, or fail.
func (c *compiler) validate(at string, spec *v1alpha1.AnswerValidation) *routerconfig.Validation {
	if spec == nil {
		return nil
	}
	out := &routerconfig.Validation{
		JSONSchema: spec.JSONSchema, Pattern: spec.Pattern, MinLength: deref(spec.MinLength, 0),
		RejectRefusals: spec.RejectRefusals, RejectTruncated: spec.RejectTruncated,
		Streaming: routerconfig.StreamingMode(cmp.Or(spec.Streaming, v1alpha1.StreamingPassThrough)),
	}
	_, err := validation.New(validation.Spec{JSONSchema: out.JSONSchema}) // the config's own rules see to the pattern
	for _, fault := range faultsOf[*validation.FieldError](err) {
		c.policyProblem(SeverityError, at+"."+string(fault.Field), v1alpha1.ReasonInvalid, "%v", fault.Err)
	}
	return out
}

// judge is who scores a sample of the route's answers; nil: nobody, or nobody
// who can.
func (c *compiler) judge(at string, spec *v1alpha1.RouteQuality) *routerconfig.Judge {
	if spec == nil {
		return nil
	}
	at += ".judge"
	tier, ok := c.atLeast(string(spec.Judge.Tier))
	if !ok {
		u := c.unusable(string(spec.Judge.Tier))
		c.policyProblem(SeverityDegraded, at+".tier", u.reason, "%s and no tier above it can judge in its place, so answers are not judged%s", u.why, u.remedy)
		return nil
	}
	c.noteStandIn(at+".tier", string(spec.Judge.Tier), tier)
	share, err := strconv.ParseFloat(string(cmp.Or(spec.Judge.SamplePercent, v1alpha1.DefaultJudgeSamplePercent)), 64)
	if err != nil {
		share = math.NaN() // which no config may hold
	}
	return &routerconfig.Judge{
		Tier: tier, SamplePercent: share, Rubric: spec.Judge.Rubric, MaxCostUSDPerDay: c.ofEachRouter(spec.Judge.MaxCostUSDPerDay),
	}
}

// ofEachRouter divides a limit among the routers that may run at once, so that
// together they keep it whatever each of them spends. One that cannot be read
// is left as it is, for the config's own rules to refuse.
func (c *compiler) ofEachRouter(limit v1alpha1.Decimal) string {
	limit = cmp.Or(limit, v1alpha1.DefaultJudgeMaxCostUSDPerDay)
	amount, err := pricing.ParseUSD(string(limit))
	if err != nil {
		return string(limit)
	}
	return pricing.Picodollars(int64(amount) / int64(c.routers())).String()
}

// routers is how many routers of the policy may run at once.
func (c *compiler) routers() int32 {
	gateway := &c.policy.Spec.Gateway
	switch {
	case c.in.Routers > 0:
		return c.in.Routers
	case gateway.Autoscaling != nil:
		return max(gateway.Autoscaling.MaxReplicas, 1)
	default:
		return max(deref(gateway.Replicas, v1alpha1.DefaultGatewayReplicas), 1)
	}
}
