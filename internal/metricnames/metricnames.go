// Package metricnames holds the names and labels of the metrics that the router
// emits and that shifting, dashboards and alerts query. It must never import
// anything: it is the vocabulary both sides share.
package metricnames

// Metrics of the router.
const (
	RequestsTotal                 = "tiershift_requests_total"
	RequestDurationSeconds        = "tiershift_request_duration_seconds"
	TimeToFirstTokenSeconds       = "tiershift_time_to_first_token_seconds"
	OverheadSeconds               = "tiershift_overhead_seconds"
	TokensTotal                   = "tiershift_tokens_total"
	CostUSDTotal                  = "tiershift_cost_usd_total"
	BaselineCostUSDTotal          = "tiershift_baseline_cost_usd_total"
	OverheadCostUSDTotal          = "tiershift_overhead_cost_usd_total"
	ClassificationsTotal          = "tiershift_classifications_total"
	ClassificationDurationSeconds = "tiershift_classification_duration_seconds"
	FallbacksTotal                = "tiershift_fallbacks_total"
	EscalationsTotal              = "tiershift_escalations_total"
	QualityScore                  = "tiershift_quality_score"
	ConfigInfo                    = "tiershift_config_info"
	ConfigLastReloadSuccess       = "tiershift_config_last_reload_success"
)

// Metrics of the operator.
const (
	TrafficSplitRatio   = "tiershift_traffic_split_ratio"
	ShiftDecisionsTotal = "tiershift_shift_decisions_total"
)

// Labels.
const (
	LabelNamespace  = "namespace"
	LabelPolicy     = "policy"
	LabelRoute      = "route"
	LabelTier       = "tier"
	LabelModel      = "model"
	LabelProvider   = "provider"
	LabelOutcome    = "outcome"
	LabelKind       = "kind"
	LabelMethod     = "method"
	LabelClass      = "class"
	LabelCause      = "cause"
	LabelDigest     = "digest"
	LabelGeneration = "generation"
	LabelPurpose    = "purpose"
	LabelSource     = "source"
	LabelDirection  = "direction"
	LabelReason     = "reason"
	// LabelPlaced is the tier at which the live split placed the request, by
	// chance; empty: something else did. Requests that chance placed are alike,
	// and so are the only ones that tell tiers apart.
	LabelPlaced = "placed"
)

// Values of LabelOutcome.
const (
	// OutcomeSuccess: the client got a whole answer.
	OutcomeSuccess = "success"
	// OutcomeRejected: the request was refused before any upstream call.
	OutcomeRejected = "rejected"
	// OutcomeClientError: the provider refused the request itself (a 4xx that
	// was passed on).
	OutcomeClientError = "client_error"
	// OutcomeUpstreamError: no attempt succeeded.
	OutcomeUpstreamError = "upstream_error"
	// OutcomeCut: the upstream ended in the middle of a stream.
	OutcomeCut = "cut"
	// OutcomeCancelled: the client went away first.
	OutcomeCancelled = "cancelled"
)

// Values of LabelKind.
const (
	KindInput       = "input"
	KindCachedInput = "cached_input"
	KindCacheWrite  = "cache_write"
	KindOutput      = "output"
	KindReasoning   = "reasoning"
)

// Values of LabelPurpose.
const (
	// PurposeClassification: a model was asked how demanding a request is.
	PurposeClassification = "classification"
	// PurposeJudge: a model answered a request once more, or compared two answers.
	PurposeJudge = "judge"
)

// Values of LabelMethod.
const (
	MethodRules = "rules"
	MethodModel = "model"
	MethodLLM   = "llm"
	// MethodNone: no step decided; the low-confidence or default tier served.
	MethodNone = "none"
)

// JudgementsTotal counts what became of the answers that were drawn to be judged.
const JudgementsTotal = "tiershift_judgements_total"

// Values of LabelOutcome of [JudgementsTotal].
const (
	// JudgementScored: the answer has a score.
	JudgementScored = "scored"
	// JudgementFailed: a model did not answer, or not in the form that counts.
	JudgementFailed = "failed"
	// JudgementUnfit: an answer is too long, or speaks to its judge.
	JudgementUnfit = "unfit"
	// JudgementUnpaid: the day's budget does not reach.
	JudgementUnpaid = "unpaid"
	// JudgementDropped: too many answers wait to be judged.
	JudgementDropped = "dropped"
)

// Values of LabelSource: where a quality score comes from.
const (
	SourceFeedback   = "feedback"
	SourceJudge      = "judge"
	SourceValidation = "validation"
)

// ScoreBuckets are the upper bounds that [QualityScore] is counted with: scores of
// yes and no, of five stars and of tenths lie on them, so that nothing is lost.
func ScoreBuckets() []float64 {
	return []float64{0, 0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.75, 0.8, 0.9, 1}
}
