package v1alpha1

// RouteMatch says which requests a route takes: those that meet every condition
// given. Without any condition it takes all.
type RouteMatch struct {
	// paths are path prefixes, compared by whole segments: /api/triage takes
	// /api/triage/v1/chat/completions and not /api/triage-all. Any one suffices.
	// Each starts with a slash and does not end with one. Omitted: any path.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:XValidation:rule=`self.matches('^(/[^/?#\\s]+)+$')`,message=`match.paths must start with '/', must not end with '/', and must not contain '//', a query, a fragment or white space`
	Paths []string `json:"paths,omitempty"`

	// modelNames are values of the request's model field. Any one suffices.
	// Omitted: any model.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=32
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	ModelNames []string `json:"modelNames,omitempty"`

	// headers must all be present in the request with exactly these values.
	// Names are compared without regard to case. Omitted: any headers.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule=`self.all(name, name.matches('^[A-Za-z0-9!#$%&*+.^_|~-]{1,128}$'))`,message=`match.headers must have valid HTTP header names of at most 128 characters`
	// +kubebuilder:validation:XValidation:rule=`self.all(a, self.exists_one(b, a.lowerAscii() == b.lowerAscii()))`,message=`match.headers must be unique without regard to case`
	Headers map[string]HeaderValue `json:"headers,omitempty"`

	// metadata must all be present in the request body's metadata object with
	// exactly these values. Omitted: any metadata.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	Metadata map[string]MetadataValue `json:"metadata,omitempty"`

	// prompt looks at what the request asks. Omitted: any prompt.
	//
	// +optional
	Prompt *PromptMatch `json:"prompt,omitempty"`

	// expression is a CEL expression over request and prompt that must be true,
	// such as: request.headers["x-plan"] == "premium" && prompt.tokens > 2000.
	// One that fails at run time does not match. Omitted: true.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=4096
	Expression string `json:"expression,omitempty"`
}

// MetadataValue is the value of one entry of a request's metadata object.
//
// +kubebuilder:validation:MaxLength=512
type MetadataValue string

// PromptMatch looks at what a request asks: it holds when every condition given
// holds.
//
// +kubebuilder:validation:XValidation:rule=`!has(self.minTokens) || !has(self.maxTokens) || self.minTokens <= self.maxTokens`,message=`prompt.minTokens must not be greater than prompt.maxTokens`
type PromptMatch struct {
	// minTokens is the least number of prompt tokens, estimated, inclusive.
	// Omitted: no lower bound.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	MinTokens *int64 `json:"minTokens,omitempty"`

	// maxTokens is the greatest number of prompt tokens, estimated, inclusive.
	// Omitted: no upper bound.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaxTokens *int64 `json:"maxTokens,omitempty"`

	// keywords are words or phrases, found as whole words without regard to
	// case. Any one suffices. Omitted: not looked at.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=128
	Keywords []string `json:"keywords,omitempty"`

	// pattern is an RE2 expression found anywhere in the prompt. Omitted: not
	// looked at.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:XValidation:rule=`''.matches(self) in [true, false]`,message=`pattern must be an RE2 expression`
	Pattern string `json:"pattern,omitempty"`

	// hasCode asks for prompts with code (true) or without (false). Omitted:
	// either.
	//
	// +optional
	HasCode *bool `json:"hasCode,omitempty"`
}
