package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Provider is an LLM provider, or the wire schema that a compatible one speaks.
//
// +kubebuilder:validation:Enum=OpenAI;Anthropic;Gemini;DeepSeek;Mistral;XAI;AzureOpenAI;OpenAICompatible
type Provider string

// The providers that Tiershift speaks to.
const (
	ProviderOpenAI      Provider = "OpenAI"
	ProviderAnthropic   Provider = "Anthropic"
	ProviderGemini      Provider = "Gemini"
	ProviderDeepSeek    Provider = "DeepSeek"
	ProviderMistral     Provider = "Mistral"
	ProviderXAI         Provider = "XAI"
	ProviderAzureOpenAI Provider = "AzureOpenAI"
	// ProviderOpenAICompatible is vLLM, Ollama, LM Studio, OpenRouter and any
	// other server that speaks OpenAI's schema.
	ProviderOpenAICompatible Provider = "OpenAICompatible"
)

// ProbeMode says whether and how a provider account is checked.
//
// +kubebuilder:validation:Enum=Disabled;ListModels
type ProbeMode string

const (
	// ProbeDisabled never calls the provider: Authenticated stays Unknown.
	ProbeDisabled ProbeMode = "Disabled"
	// ProbeListModels calls the provider's model list, which costs no tokens.
	ProbeListModels ProbeMode = "ListModels"
)

// ProviderCredentialSpec says how to reach one provider account.
//
// +kubebuilder:validation:XValidation:rule=`has(self.endpoint) || !(self.provider in ['AzureOpenAI', 'OpenAICompatible'])`,message=`endpoint is required for AzureOpenAI and OpenAICompatible`
// +kubebuilder:validation:XValidation:rule=`has(self.secretRef) || self.provider == 'OpenAICompatible'`,message=`secretRef is required for every provider except OpenAICompatible`
// +kubebuilder:validation:XValidation:rule=`!has(self.apiVersion) || self.provider == 'AzureOpenAI'`,message=`apiVersion is for AzureOpenAI only`
// +kubebuilder:validation:XValidation:rule=`has(self.secretRef) || !has(self.nextSecretRef)`,message=`nextSecretRef takes over from secretRef, so secretRef must be set too`
type ProviderCredentialSpec struct {
	// provider is whose API the account belongs to. It decides the wire schema,
	// how the key is sent, and the default endpoint. Immutable.
	//
	// +required
	// +kubebuilder:validation:XValidation:rule=`self == oldSelf`,message=`provider is immutable: create another ProviderCredential instead`
	Provider Provider `json:"provider"`

	// endpoint is the base URL that API paths such as /chat/completions are
	// appended to: http or https, without user, query and fragment. Required for
	// AzureOpenAI (https://RESOURCE.openai.azure.com) and OpenAICompatible.
	// Omitted: the provider's public endpoint.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule=`self.matches('^https?://[^/?#@\\s]+(/[^?#\\s]*)?$') && isURL(self)`,message=`endpoint must be an http or https URL without user, query or fragment, such as "https://llm.example.com/v1"`
	Endpoint string `json:"endpoint,omitempty"`

	// apiVersion is the api-version of Azure OpenAI's older API, such as
	// "2024-10-21", in which the model's name is a deployment in the path. Only for
	// AzureOpenAI. Omitted: the v1 API, which needs none.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=32
	// +kubebuilder:validation:XValidation:rule=`self.matches('^[0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?$')`,message=`apiVersion must be a version of Azure OpenAI's API such as "2024-10-21"`
	APIVersion string `json:"apiVersion,omitempty"`

	// secretRef names the Secret key that holds the provider's API key. Required
	// except for OpenAICompatible, where omitting it sends no key.
	//
	// +optional
	SecretRef *SecretKeyReference `json:"secretRef,omitempty"`

	// nextSecretRef names the key that takes over during a rotation: routers
	// switch to it, without a restart, as soon as the provider rejects the key
	// of secretRef. Omitted: there is no second key.
	//
	// +optional
	NextSecretRef *SecretKeyReference `json:"nextSecretRef,omitempty"`

	// headers are added to every request to this provider. They are not secret
	// and are visible in the router's config; headers that carry a key or belong
	// to the connection are refused. Omitted: none.
	//
	// +optional
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule=`self.all(name, name.matches('^[A-Za-z0-9!#$%&*+.^_|~-]{1,128}$'))`,message=`headers must have valid HTTP header names of at most 128 characters`
	// +kubebuilder:validation:XValidation:rule=`self.all(a, self.exists_one(b, a.lowerAscii() == b.lowerAscii()))`,message=`headers must be unique without regard to case`
	// +kubebuilder:validation:XValidation:rule=`self.all(name, !name.matches('^(?i:authorization|api-key|x-api-key|x-goog-api-key|cookie|host|content-length|transfer-encoding|connection)$'))`,message=`headers must not hold a key or control the connection (authorization, api-key, x-api-key, x-goog-api-key, cookie, host, content-length, transfer-encoding, connection): keys belong in secretRef`
	Headers map[string]HeaderValue `json:"headers,omitempty"`

	// rateLimit keeps routers below what the account allows, shared among their
	// replicas; a model that would exceed it is skipped for the moment.
	// Omitted: only the provider's own 429 answers limit it.
	//
	// +optional
	RateLimit *RateLimit `json:"rateLimit,omitempty"`

	// probe checks from time to time that the account accepts the key.
	// Omitted: no probe.
	//
	// +optional
	Probe *CredentialProbe `json:"probe,omitempty"`
}

// CredentialProbe says how the operator checks an account.
type CredentialProbe struct {
	// mode is Disabled (no call; Authenticated stays Unknown) or ListModels (the
	// provider's model list is read, which costs no tokens). Default: Disabled.
	//
	// +optional
	// +kubebuilder:default=Disabled
	Mode ProbeMode `json:"mode,omitempty"`

	// interval between two probes, at least 30s. Default: 10m.
	//
	// +optional
	// +kubebuilder:default="10m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule=`self.matches('^([0-9]{1,6}([.][0-9]{1,6})?(ms|s|m|h))+$') && duration(self) >= duration('30s')`,message=`probe.interval must be a duration of at least 30s, such as "10m"`
	Interval *metav1.Duration `json:"interval,omitempty"`
}

// ProviderCredentialStatus is what the operator found out about the account.
type ProviderCredentialStatus struct {
	// observedGeneration is the metadata.generation that the status describes.
	//
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions: SecretResolved, Authenticated (Unknown when the probe is off)
	// and Ready.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// endpoint is the base URL in force: spec.endpoint or the provider's default.
	//
	// +optional
	Endpoint string `json:"endpoint,omitempty"`

	// availableModels counts the models that the last successful probe listed.
	// Absent when no probe succeeded.
	//
	// +optional
	AvailableModels *int32 `json:"availableModels,omitempty"`
}

// ProviderCredential is how to reach one provider account: whose API it is,
// where it answers, and which Secret holds the key.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=tiershift,shortName=pcred
// +kubebuilder:printcolumn:name="Provider",type=string,JSONPath=`.spec.provider`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Authenticated",type=string,JSONPath=`.status.conditions[?(@.type=="Authenticated")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Endpoint",type=string,JSONPath=`.status.endpoint`,priority=1
// +kubebuilder:printcolumn:name="Models",type=integer,JSONPath=`.status.availableModels`,priority=1
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
type ProviderCredential struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the user declares.
	//
	// +required
	Spec ProviderCredentialSpec `json:"spec"`

	// status is what the operator observed.
	// It begins with an observedGeneration of -1, by which tools that read it, such
	// as Flux, tell that nobody has looked at the object yet.
	//
	// +optional
	// +kubebuilder:default:={"observedGeneration":-1}
	Status ProviderCredentialStatus `json:"status,omitempty,omitzero"`
}

// ProviderCredentialList is a list of ProviderCredentials.
//
// +kubebuilder:object:root=true
type ProviderCredentialList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ProviderCredential `json:"items"`
}
