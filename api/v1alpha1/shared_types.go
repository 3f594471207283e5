package v1alpha1

// Decimal is an exact, non-negative decimal number written as a string, such as
// "0.25". Strings keep money and probabilities free of binary rounding, and each
// field says which range and how many digits it takes. Empty means omitted.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=24
type Decimal string

// SecretKeyReference names one key of a Secret in the same namespace.
type SecretKeyReference struct {
	// name of the Secret.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// key in the Secret's data whose value is used. White space around the value
	// is ignored.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule=`self.matches('^[-._a-zA-Z0-9]+$')`,message=`key must be a key of a Secret: letters, digits, '-', '_' and '.'`
	Key string `json:"key"`
}

// SecretReference names a Secret in the same namespace.
type SecretReference struct {
	// name of the Secret.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// ConfigMapKeyReference names one key of a ConfigMap in the same namespace.
type ConfigMapKeyReference struct {
	// name of the ConfigMap.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// key in the ConfigMap's data or binaryData whose value is used.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule=`self.matches('^[-._a-zA-Z0-9]+$')`,message=`key must be a key of a ConfigMap: letters, digits, '-', '_' and '.'`
	Key string `json:"key"`
}

// CredentialReference names a ProviderCredential in the same namespace.
type CredentialReference struct {
	// name of the ProviderCredential.
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
}

// HeaderValue is the value of an HTTP header: printable ASCII, spaces and tabs.
//
// +kubebuilder:validation:MaxLength=1024
// +kubebuilder:validation:XValidation:rule=`self.matches('^[\\t\\x20-\\x7e]*$')`,message=`header values must be printable ASCII`
type HeaderValue string

// RateLimit is what one account or client may use per minute. At least one of
// the two is given.
//
// +kubebuilder:validation:XValidation:rule=`has(self.requestsPerMinute) || has(self.tokensPerMinute)`,message=`rateLimit must set requestsPerMinute, tokensPerMinute or both`
type RateLimit struct {
	// requestsPerMinute caps the requests sent per minute. Omitted: not capped.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	RequestsPerMinute *int64 `json:"requestsPerMinute,omitempty"`

	// tokensPerMinute caps input and output tokens together per minute.
	// Omitted: not capped.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	TokensPerMinute *int64 `json:"tokensPerMinute,omitempty"`
}
