package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// Selection says which of a tier's models is tried first. The others of the tier
// follow on failure.
//
// +kubebuilder:validation:Enum=Weighted;LowestCost;LowestLatency;Ordered
type Selection string

const (
	// SelectionWeighted draws a model by weight.
	SelectionWeighted Selection = "Weighted"
	// SelectionLowestCost takes the model with the lowest estimated cost of the
	// request.
	SelectionLowestCost Selection = "LowestCost"
	// SelectionLowestLatency takes the model with the lowest recent latency.
	SelectionLowestLatency Selection = "LowestLatency"
	// SelectionOrdered takes the models in the order in which they are listed.
	SelectionOrdered Selection = "Ordered"
)

// Capability is something that only some models can do.
//
// +kubebuilder:validation:Enum=Tools;Vision;JSONSchema;Reasoning;Embeddings
type Capability string

const (
	// CapabilityTools is calling tools (functions).
	CapabilityTools Capability = "Tools"
	// CapabilityVision is reading images.
	CapabilityVision Capability = "Vision"
	// CapabilityJSONSchema is answering in a given JSON schema.
	CapabilityJSONSchema Capability = "JSONSchema"
	// CapabilityReasoning is thinking before answering, billed as output.
	CapabilityReasoning Capability = "Reasoning"
	// CapabilityEmbeddings is turning texts into vectors. Such a model serves
	// requests for embeddings and no others.
	CapabilityEmbeddings Capability = "Embeddings"
)

// PromptCaching says who marks what a provider is to cache.
//
// +kubebuilder:validation:Enum=ByClient;Automatic
type PromptCaching string

const (
	// PromptCachingByClient passes on what the client marks, and marks nothing.
	PromptCachingByClient PromptCaching = "ByClient"
	// PromptCachingAutomatic marks prompts that the client left unmarked.
	PromptCachingAutomatic PromptCaching = "Automatic"
)

// ModelTierSpec is a capability level: its rank and the models that provide it.
//
// +kubebuilder:validation:XValidation:rule=`!has(self.selection) || self.selection != 'Weighted' || self.models.exists(m, !has(m.weight) || m.weight > 0)`,message=`models: with selection Weighted at least one model must have a weight above 0`
type ModelTierSpec struct {
	// rank orders tiers: higher is more capable. Failed or rejected answers move
	// up in this order, savings move down. Tiers of one policy should differ in
	// rank; equal ranks are ordered by name.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	Rank int32 `json:"rank"`

	// description tells people what the tier is for. It routes nothing.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Description string `json:"description,omitempty"`

	// selection says which model is tried first: Weighted (drawn by weight),
	// LowestCost (lowest estimated cost of the request), LowestLatency (lowest
	// recent latency) or Ordered (as listed). Default: Weighted.
	//
	// +optional
	// +kubebuilder:default=Weighted
	Selection Selection `json:"selection,omitempty"`

	// promptCaching says who marks what is to be cached, for models of Anthropic,
	// which cache only what is marked (others cache by themselves): ByClient or
	// Automatic. Automatic costs a quarter more for the prompt of a conversation's
	// first turn and a tenth of its price in the next ones. Omitted: ByClient.
	//
	// +optional
	PromptCaching PromptCaching `json:"promptCaching,omitempty"`

	// models provide the tier, 1 to 16 of them. A model may be listed once per
	// credential.
	//
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:rule=`self.all(m, self.exists_one(n, n.name == m.name && n.credentialRef.name == m.credentialRef.name))`,message=`models must be unique by name and credentialRef.name`
	Models []TierModel `json:"models"`
}

// TierModel is one model of a tier at one provider account.
type TierModel struct {
	// name is what the provider calls the model (for AzureOpenAI: the
	// deployment).
	//
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:XValidation:rule=`self.matches('^\\S+$')`,message=`models[*].name must not contain white space`
	Name string `json:"name"`

	// credentialRef names the ProviderCredential through which the model is
	// reached.
	//
	// +required
	CredentialRef CredentialReference `json:"credentialRef"`

	// weight is the model's share of the tier's traffic with selection Weighted,
	// relative to the other weights; 0 keeps the model for fallback only. Other
	// selections ignore it. Omitted: 100.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=1000
	Weight *int32 `json:"weight,omitempty"`

	// pricing is what the model costs. Omitted: the price in the catalogue that
	// ships with Tiershift.
	//
	// +optional
	Pricing *ModelPricing `json:"pricing,omitempty"`

	// limits are what the model takes and gives at most. Omitted: from the
	// catalogue, or unknown.
	//
	// +optional
	Limits *ModelLimits `json:"limits,omitempty"`

	// capabilities are what the model can do: requests that need one it lacks go
	// to another model. Omitted: from the catalogue, or unknown, which rules
	// nothing out.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=4
	Capabilities []Capability `json:"capabilities,omitempty"`

	// timeouts limit how long one attempt at the model may take. Omitted: the
	// default of each.
	//
	// +optional
	Timeouts *ModelTimeouts `json:"timeouts,omitempty"`
}

// ModelPricing is the price of a model in USD per million tokens, each a decimal
// with at most 6 digits on either side of the point.
type ModelPricing struct {
	// inputPerMillion is the price of a million input tokens in USD.
	//
	// +required
	// +kubebuilder:validation:XValidation:rule=`self.matches('^[0-9]{1,6}([.][0-9]{1,6})?$')`,message=`pricing.inputPerMillion must be a decimal such as "0.25"`
	InputPerMillion Decimal `json:"inputPerMillion"`

	// cachedInputPerMillion is the price of a million input tokens that the
	// provider read from its prompt cache, in USD. Omitted: inputPerMillion.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule=`self.matches('^[0-9]{1,6}([.][0-9]{1,6})?$')`,message=`pricing.cachedInputPerMillion must be a decimal such as "0.25"`
	CachedInputPerMillion Decimal `json:"cachedInputPerMillion,omitempty"`

	// cacheWritePerMillion is the price of a million input tokens that the
	// provider wrote to its prompt cache, in USD. Omitted: inputPerMillion.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule=`self.matches('^[0-9]{1,6}([.][0-9]{1,6})?$')`,message=`pricing.cacheWritePerMillion must be a decimal such as "0.25"`
	CacheWritePerMillion Decimal `json:"cacheWritePerMillion,omitempty"`

	// outputPerMillion is the price of a million output tokens, reasoning
	// included, in USD.
	//
	// +required
	// +kubebuilder:validation:XValidation:rule=`self.matches('^[0-9]{1,6}([.][0-9]{1,6})?$')`,message=`pricing.outputPerMillion must be a decimal such as "0.25"`
	OutputPerMillion Decimal `json:"outputPerMillion"`

	// batchDiscountPercent is taken off the price of requests that the provider
	// bills as batch. Omitted: 0.
	//
	// +optional
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	BatchDiscountPercent *int32 `json:"batchDiscountPercent,omitempty"`
}

// ModelLimits are the limits of a model in tokens.
type ModelLimits struct {
	// contextTokens is how many tokens input and output may have together.
	// Requests estimated to exceed it go to another model. Omitted: from the
	// catalogue, or unknown.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	ContextTokens *int64 `json:"contextTokens,omitempty"`

	// maxOutputTokens is how many tokens an answer may have. Requests that ask
	// for more are capped to it. Omitted: from the catalogue, or unknown.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaxOutputTokens *int64 `json:"maxOutputTokens,omitempty"`
}

// ModelTimeouts limit one attempt at a model. An attempt that exceeds one ends
// with the cause Timeout.
//
// +kubebuilder:validation:XValidation:rule=`!has(self.firstToken) || !has(self.request) || duration(self.firstToken) <= duration(self.request)`,message=`timeouts.firstToken must not be longer than timeouts.request`
// +kubebuilder:validation:XValidation:rule=`!has(self.idle) || !has(self.request) || duration(self.idle) <= duration(self.request)`,message=`timeouts.idle must not be longer than timeouts.request`
type ModelTimeouts struct {
	// firstToken is the longest wait from sending a streamed request to the
	// first byte of its answer's body. Omitted: 30s, or request if that is
	// shorter.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule=`self.matches('^([0-9]{1,6}([.][0-9]{1,6})?(ms|s|m|h))+$') && duration(self) > duration('0s')`,message=`timeouts.firstToken must be a positive duration such as "20s"`
	FirstToken *metav1.Duration `json:"firstToken,omitempty"`

	// idle is the longest pause between two pieces of a streamed answer.
	// Omitted: 60s, or request if that is shorter.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule=`self.matches('^([0-9]{1,6}([.][0-9]{1,6})?(ms|s|m|h))+$') && duration(self) > duration('0s')`,message=`timeouts.idle must be a positive duration such as "30s"`
	Idle *metav1.Duration `json:"idle,omitempty"`

	// request is the longest time for the whole answer. Omitted: 10m.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule=`self.matches('^([0-9]{1,6}([.][0-9]{1,6})?(ms|s|m|h))+$') && duration(self) > duration('0s')`,message=`timeouts.request must be a positive duration such as "5m"`
	Request *metav1.Duration `json:"request,omitempty"`
}

// PriceSource says where the price in force came from.
//
// +kubebuilder:validation:Enum=Spec;Catalogue;Unknown
type PriceSource string

const (
	// PriceSourceSpec is the pricing of the tier's spec.
	PriceSourceSpec PriceSource = "Spec"
	// PriceSourceCatalogue is the catalogue that ships with Tiershift.
	PriceSourceCatalogue PriceSource = "Catalogue"
	// PriceSourceUnknown is neither: the model is not routed to until a price is
	// given, since its cost could not be accounted.
	PriceSourceUnknown PriceSource = "Unknown"
)

// ModelTierStatus is what the operator found out about the tier.
type ModelTierStatus struct {
	// observedGeneration is the metadata.generation that the status describes.
	//
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions: CredentialsReady, PricingResolved and Ready.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// modelNames are the names of the tier's models in one line, for
	// kubectl get.
	//
	// +optional
	ModelNames string `json:"modelNames,omitempty"`

	// models are the spec's models, in its order, with the price in force.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=16
	Models []TierModelStatus `json:"models,omitempty"`
}

// TierModelStatus is one model of the tier with the price in force.
type TierModelStatus struct {
	// name is the model's name in the spec.
	//
	// +required
	Name string `json:"name"`

	// credentialRef is the credential in the spec.
	//
	// +required
	CredentialRef CredentialReference `json:"credentialRef"`

	// priceSource says where the price came from: Spec, Catalogue or Unknown.
	//
	// +required
	PriceSource PriceSource `json:"priceSource"`

	// price is the price in force. Absent when priceSource is Unknown.
	//
	// +optional
	Price *ModelPrice `json:"price,omitempty"`

	// catalogueDate is the date (YYYY-MM-DD) on which the catalogue's price was
	// taken from the provider. Absent for other sources.
	//
	// +optional
	CatalogueDate string `json:"catalogueDate,omitempty"`
}

// ModelPrice is a price in force, in USD per million tokens. A price that rises
// with a long input carries its steps as "BASE;>TOKENS:PRICE".
type ModelPrice struct {
	// inputPerMillion is the price of a million input tokens.
	//
	// +required
	InputPerMillion string `json:"inputPerMillion"`

	// cachedInputPerMillion is the price of a million input tokens read from the
	// prompt cache. Absent: inputPerMillion.
	//
	// +optional
	CachedInputPerMillion string `json:"cachedInputPerMillion,omitempty"`

	// cacheWritePerMillion is the price of a million input tokens written to the
	// prompt cache. Absent: inputPerMillion.
	//
	// +optional
	CacheWritePerMillion string `json:"cacheWritePerMillion,omitempty"`

	// outputPerMillion is the price of a million output tokens.
	//
	// +required
	OutputPerMillion string `json:"outputPerMillion"`

	// batchDiscountPercent is taken off batch requests. Absent: none.
	//
	// +optional
	BatchDiscountPercent int32 `json:"batchDiscountPercent,omitempty"`
}

// ModelTier is a capability level, never a model name: the models in it can
// change without touching a policy.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=tiershift,shortName=mtier
// +kubebuilder:validation:XValidation:rule=`self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')`,message=`metadata.name must be a DNS label of at most 63 characters: clients and metrics name the tier by it`
// +kubebuilder:printcolumn:name="Rank",type=integer,JSONPath=`.spec.rank`
// +kubebuilder:printcolumn:name="Models",type=string,JSONPath=`.status.modelNames`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Selection",type=string,JSONPath=`.spec.selection`,priority=1
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
type ModelTier struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the user declares.
	//
	// +required
	Spec ModelTierSpec `json:"spec"`

	// status is what the operator observed.
	// It begins with an observedGeneration of -1, by which tools that read it, such
	// as Flux, tell that nobody has looked at the object yet.
	//
	// +optional
	// +kubebuilder:default:={"observedGeneration":-1}
	Status ModelTierStatus `json:"status,omitempty,omitzero"`
}

// ModelTierList is a list of ModelTiers.
//
// +kubebuilder:object:root=true
type ModelTierList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []ModelTier `json:"items"`
}
