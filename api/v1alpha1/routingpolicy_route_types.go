package v1alpha1

// Route says which requests it takes and which tiers may answer them.
//
// +kubebuilder:validation:XValidation:rule=`!has(self.tier) || (!has(self.minTier) && !has(self.maxTier))`,message=`routes[*].tier is exact already: minTier and maxTier must be unset when tier is set`
type Route struct {
	// name is unique in the policy. Clients may ask for the route by it, as
	// model or in the x-tiershift-route header, and metrics carry it. A DNS
	// label; "auto" and "default" are reserved.
	//
	// +required
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:XValidation:rule=`self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')`,message=`routes[*].name must be a DNS label: lower case letters, digits and '-', not at the ends`
	// +kubebuilder:validation:XValidation:rule=`!(self in ['auto', 'default'])`,message=`routes[*].name must not be "auto" or "default": they are reserved`
	Name string `json:"name"`

	// match says which requests the route takes; {} takes all.
	//
	// +required
	Match RouteMatch `json:"match"`

	// tier pins the route: no request in it is classified. One of spec.tiers.
	// Omitted: classify.
	//
	// +optional
	Tier TierName `json:"tier,omitempty"`

	// minTier is the lowest tier that may answer. No optimiser and no budget
	// action goes below it. One of spec.tiers. Omitted: the lowest of them.
	//
	// +optional
	MinTier TierName `json:"minTier,omitempty"`

	// maxTier is the highest tier that may answer, also after a failure. One of
	// spec.tiers, ranked no lower than minTier. Omitted: the highest of them.
	//
	// +optional
	MaxTier TierName `json:"maxTier,omitempty"`

	// maxOutputTokens caps the tokens that a request may ask for in answer.
	// Omitted: no cap.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaxOutputTokens *int64 `json:"maxOutputTokens,omitempty"`

	// validate checks answers; one that fails is asked for again one tier up.
	// Omitted: answers are not checked.
	//
	// +optional
	Validate *AnswerValidation `json:"validate,omitempty"`

	// quality measures how good the answers are, beside the clients' feedback.
	// Omitted: only feedback and validation do.
	//
	// +optional
	Quality *RouteQuality `json:"quality,omitempty"`

	// shift moves the route's traffic between tiers as cost, quality and latency
	// are measured. What is omitted here is taken from spec.shift.
	//
	// +optional
	Shift *Shift `json:"shift,omitempty"`
}

// StreamingMode says what happens to streamed answers that are checked.
//
// +kubebuilder:validation:Enum=Buffer;PassThrough
type StreamingMode string

const (
	// StreamingBuffer holds a streamed answer back until it is complete and
	// checked: the client waits, and never sees a bad answer.
	StreamingBuffer StreamingMode = "Buffer"
	// StreamingPassThrough passes a streamed answer on as it comes and checks it
	// afterwards: a failure counts against the tier, but is not asked for again.
	StreamingPassThrough StreamingMode = "PassThrough"
)

// AnswerValidation checks answers: all checks given must pass. At least one is
// given. Of an answer that calls tools only refusal and truncation are checked.
//
// +kubebuilder:validation:XValidation:rule=`has(self.jsonSchema) || has(self.pattern) || has(self.minLength) || (has(self.rejectRefusals) && self.rejectRefusals) || (has(self.rejectTruncated) && self.rejectTruncated)`,message=`validate must set at least one of jsonSchema, pattern, minLength, rejectRefusals, rejectTruncated`
type AnswerValidation struct {
	// jsonSchema is a JSON Schema (draft 2020-12) as JSON text that the answer,
	// parsed as JSON, must satisfy. A code fence around the whole answer is looked
	// through. References must stay within the schema: nothing is loaded from
	// elsewhere. Omitted: not checked.
	//
	// +optional
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=16384
	// +kubebuilder:validation:XValidation:rule=`self.matches('^\\s*[{](?s:.*)[}]\\s*$')`,message=`validate.jsonSchema must be a JSON object as text, such as '{"type":"object"}'`
	JSONSchema string `json:"jsonSchema,omitempty"`

	// pattern is an RE2 expression that must be found in the answer. Omitted:
	// not checked.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule=`''.matches(self) in [true, false]`,message=`validate.pattern must be an RE2 expression`
	Pattern string `json:"pattern,omitempty"`

	// minLength is the least number of characters (Unicode code points, white
	// space at the ends not counted) that an answer must have. Omitted: not
	// checked.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	MinLength *int32 `json:"minLength,omitempty"`

	// rejectRefusals fails answers in which the model declines to answer, in its
	// own words or by the provider's sign, and those that the provider withheld.
	// Omitted: false.
	//
	// +optional
	RejectRefusals bool `json:"rejectRefusals,omitempty"`

	// rejectTruncated fails answers that ended at the token limit. Omitted:
	// false.
	//
	// +optional
	RejectTruncated bool `json:"rejectTruncated,omitempty"`

	// streaming is PassThrough (streamed answers are passed on as they come and
	// only counted when they fail) or Buffer (they are held back until checked).
	// Omitted: PassThrough.
	//
	// +optional
	Streaming StreamingMode `json:"streaming,omitempty"`
}

// RouteQuality measures how good the answers of a route are.
type RouteQuality struct {
	// judge has a model score a sample of the answers.
	//
	// +required
	Judge Judge `json:"judge"`
}

// Judge has a model score a sample of answers, after they were sent, beside what
// the next tier up answers to the same request.
type Judge struct {
	// tier judges. It should rank no lower than the tiers it judges: what it and
	// higher tiers answer is taken to be good. One of spec.tiers.
	//
	// +required
	Tier TierName `json:"tier"`

	// samplePercent is the share of the route's answers that is judged, 0 to
	// 100. Omitted: "1".
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule=`self.matches('^([0-9]{1,2}([.][0-9]{1,4})?|100([.]0{1,4})?)$')`,message=`quality.judge.samplePercent must be a decimal from 0 to 100, such as "2.5"`
	SamplePercent Decimal `json:"samplePercent,omitempty"`

	// rubric tells the judge what a good answer is. Omitted: correct, complete,
	// and to the point.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=8192
	Rubric string `json:"rubric,omitempty"`

	// maxCostUSDPerDay is what judging this route may cost per day (UTC) in USD;
	// then it stops until the next. Each router may spend an equal part of it.
	// Omitted: "1", since judging costs money that no client asked to spend.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule=`self.matches('^[0-9]{1,6}([.][0-9]{1,6})?$') && self.matches('[1-9]')`,message=`quality.judge.maxCostUSDPerDay must be a decimal above 0, such as "5"`
	MaxCostUSDPerDay Decimal `json:"maxCostUSDPerDay,omitempty"`
}
