package routerconfig

import "regexp"

// Validation says what a route's answers must be, all of it. At least one check
// is set. Schemas are only compiled by the router, since this package knows none.
type Validation struct {
	// JSONSchema is a JSON Schema as JSON text. Empty: not checked.
	JSONSchema string `json:"jsonSchema,omitempty"`
	// Pattern is an RE2 expression that must be found. Empty: not checked.
	Pattern string `json:"pattern,omitempty"`
	// MinLength is in characters, white space at the ends not counted; 0: not checked.
	MinLength       int32 `json:"minLength,omitempty"`
	RejectRefusals  bool  `json:"rejectRefusals,omitempty"`
	RejectTruncated bool  `json:"rejectTruncated,omitempty"`
	// Streaming says what happens to streamed answers.
	Streaming StreamingMode `json:"streaming"`
}

// StreamingMode says when a streamed answer that is checked leaves.
type StreamingMode string

// The streaming modes of the RoutingPolicy API.
const (
	StreamingBuffer      StreamingMode = "Buffer"
	StreamingPassThrough StreamingMode = "PassThrough"
)

// Judge has a model compare a sample of a route's answers with those of the next
// tier up.
type Judge struct {
	// Tier judges. What it and the tiers above it answer is taken to be good.
	Tier string `json:"tier"`
	// SamplePercent is the share of answers that is judged, 0 to 100.
	SamplePercent float64 `json:"samplePercent"`
	// Rubric tells what a good answer is; empty: the judge's own words.
	Rubric string `json:"rubric,omitempty"`
	// MaxCostUSDPerDay is what one router process may spend on it per day (UTC),
	// in USD: the route's limit by the number of routers.
	MaxCostUSDPerDay string `json:"maxCostUSDPerDay"`
}

// RequestIDs says how ids of requests are signed, so that a vote on one counts
// at every router of the policy.
type RequestIDs struct {
	// KeyFile is the file of the key below the secrets directory. Empty: ids are
	// not signed, and no feedback is taken.
	KeyFile string `json:"keyFile,omitempty"`
}

func (v *validator) checkQuality(at string, r *Route) {
	if c := r.Validate; c != nil {
		some := c.JSONSchema != "" || c.Pattern != "" || c.MinLength > 0 || c.RejectRefusals || c.RejectTruncated
		v.require(some, at+"validate", "checks nothing")
		v.require(c.MinLength >= 0, at+"validate.minLength", "is negative")
		v.require(c.Streaming == StreamingBuffer || c.Streaming == StreamingPassThrough, at+"validate.streaming", "%q is unknown to this router", c.Streaming)
		if _, err := regexp.Compile(c.Pattern); err != nil {
			v.fail(at+"validate.pattern", "is not a regular expression: %v", err)
		}
	}
	if j := r.Judge; j != nil {
		v.requireTier(at+"judge.tier", j.Tier)
		v.require(j.SamplePercent >= 0 && j.SamplePercent <= 100, at+"judge.samplePercent", "must be 0 to 100")
		v.require(isAmount.MatchString(j.MaxCostUSDPerDay), at+"judge.maxCostUSDPerDay", "is not an amount: %q", j.MaxCostUSDPerDay)
	}
}

// isAmount matches USD to the picodollar.
var isAmount = regexp.MustCompile(`^[0-9]{1,6}([.][0-9]{1,12})?$`)

func (v *validator) checkRequestIDs() {
	v.checkFile("requestIDs.keyFile", v.config.RequestIDs.KeyFile)
}

// RequestIDSecret is the name of the Secret that holds a policy's key of request
// ids, and RequestIDKey the key within it.
func RequestIDSecret(policy string) string { return policy + "-request-ids" }

// RequestIDKey is the key within [RequestIDSecret].
const RequestIDKey = "key"
