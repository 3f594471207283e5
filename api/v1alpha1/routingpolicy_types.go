package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// RoutingPolicySpec says which request goes to which tier, what it may cost and
// who serves it.
//
// +kubebuilder:validation:XValidation:rule=`self.tiers.exists(t, t.name == self.defaultTier)`,fieldPath=`.defaultTier`,message=`spec.defaultTier must name a tier listed in spec.tiers`
// +kubebuilder:validation:XValidation:rule=`!has(self.baseline) || self.tiers.exists(t, t.name == self.baseline.tier)`,fieldPath=`.baseline.tier`,message=`spec.baseline.tier must name a tier listed in spec.tiers`
// +kubebuilder:validation:XValidation:rule=`!has(self.classification) || !has(self.classification.llm) || self.tiers.exists(t, t.name == self.classification.llm.tier)`,fieldPath=`.classification.llm.tier`,message=`spec.classification.llm.tier must name a tier listed in spec.tiers`
// +kubebuilder:validation:XValidation:rule=`!has(self.classification) || !has(self.classification.lowConfidenceTier) || self.tiers.exists(t, t.name == self.classification.lowConfidenceTier)`,fieldPath=`.classification.lowConfidenceTier`,message=`spec.classification.lowConfidenceTier must name a tier listed in spec.tiers`
// +kubebuilder:validation:XValidation:rule=`!has(self.routes) || self.routes.all(r, !has(r.tier) || self.tiers.exists(t, t.name == r.tier))`,message=`spec.routes[*].tier must name a tier listed in spec.tiers`
// +kubebuilder:validation:XValidation:rule=`!has(self.routes) || self.routes.all(r, !has(r.minTier) || self.tiers.exists(t, t.name == r.minTier))`,message=`spec.routes[*].minTier must name a tier listed in spec.tiers`
// +kubebuilder:validation:XValidation:rule=`!has(self.routes) || self.routes.all(r, !has(r.maxTier) || self.tiers.exists(t, t.name == r.maxTier))`,message=`spec.routes[*].maxTier must name a tier listed in spec.tiers`
// +kubebuilder:validation:XValidation:rule=`!has(self.routes) || self.routes.all(r, !has(r.quality) || self.tiers.exists(t, t.name == r.quality.judge.tier))`,message=`spec.routes[*].quality.judge.tier must name a tier listed in spec.tiers`
// +kubebuilder:validation:XValidation:rule=`!has(self.shift) || !has(self.shift.mode) || self.shift.mode == 'Off' || has(self.shift.objectives) || (has(self.routes) && self.routes.exists(r, has(r.shift) && has(r.shift.objectives)))`,fieldPath=`.shift.mode`,message=`spec.shift.mode Automatic and Recommend need objectives, in spec.shift or in a route's shift: without any there is nothing to shift towards`
// +kubebuilder:validation:XValidation:rule=`!has(self.routes) || self.routes.all(r, !has(r.shift) || !has(r.shift.mode) || r.shift.mode == 'Off' || has(r.shift.objectives) || (has(self.shift) && has(self.shift.objectives)))`,message=`spec.routes[*].shift.mode Automatic and Recommend need objectives, in the route's shift or in spec.shift`
type RoutingPolicySpec struct {
	// tiers are the ModelTiers of the same namespace that this policy may use, 1
	// to 16 of them, in any order: their rank orders them.
	//
	// +required
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	Tiers []TierReference `json:"tiers"`

	// defaultTier serves what nothing else decided. One of tiers.
	//
	// +required
	DefaultTier TierName `json:"defaultTier"`

	// baseline is the model that savings are measured against: what the same
	// requests would have cost there. Omitted: the first model of the highest
	// ranked tier.
	//
	// +optional
	Baseline *Baseline `json:"baseline,omitempty"`

	// classification decides the tier of requests whose route pins none. Its
	// steps are asked in order until one is sure: rules, then the trained
	// classifier, then the LLM, then lowConfidenceTier. Omitted: the Standard
	// rules, the classifier that ships with Tiershift, then defaultTier.
	//
	// +optional
	Classification *Classification `json:"classification,omitempty"`

	// routes are tried in this order and the first match wins. A request that
	// matches none is classified and served by the implicit route "default".
	// Omitted: every request is.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=64
	Routes []Route `json:"routes,omitempty"`

	// fallback says what happens when a model fails before it answered.
	// Omitted: the default of each of its fields.
	//
	// +optional
	Fallback *Fallback `json:"fallback,omitempty"`

	// budget limits what the policy may spend in a period. Omitted: spend is
	// measured and not limited.
	//
	// +optional
	Budget *Budget `json:"budget,omitempty"`

	// shift holds the defaults of every route's shift, and governs requests that
	// match no route. Omitted: traffic is shifted only in routes that say so.
	//
	// +optional
	Shift *Shift `json:"shift,omitempty"`

	// gateway is how routers run and whom they let in.
	//
	// +required
	Gateway Gateway `json:"gateway"`

	// sidecar puts a router beside the containers of chosen pods. Omitted: none.
	//
	// +optional
	Sidecar *Sidecar `json:"sidecar,omitempty"`

	// suspend freezes the policy: the operator changes nothing that it made for
	// it and shifts no traffic until suspend is false again. Running routers go
	// on serving, with the config they have. Default: false.
	//
	// +optional
	Suspend bool `json:"suspend,omitempty"`
}

// TierName is the name of a ModelTier in the same namespace.
//
// +kubebuilder:validation:MinLength=1
// +kubebuilder:validation:MaxLength=63
type TierName string

// TierReference names a ModelTier in the same namespace.
type TierReference struct {
	// name of the ModelTier.
	//
	// +required
	Name TierName `json:"name"`
}

// Baseline names the model that savings are measured against.
type Baseline struct {
	// tier is one of spec.tiers.
	//
	// +required
	Tier TierName `json:"tier"`

	// model is the name of a model of that tier. Omitted: its first.
	//
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Model string `json:"model,omitempty"`
}

// FallbackCause is why an attempt failed.
//
// +kubebuilder:validation:Enum=Timeout;RateLimited;ServerError;ConnectionError;ContextExceeded
type FallbackCause string

const (
	// CauseTimeout is an attempt that exceeded one of the model's timeouts.
	CauseTimeout FallbackCause = "Timeout"
	// CauseRateLimited is a 429 from the provider.
	CauseRateLimited FallbackCause = "RateLimited"
	// CauseServerError is a 5xx from the provider.
	CauseServerError FallbackCause = "ServerError"
	// CauseConnectionError is a connection refused, reset, or not resolved.
	CauseConnectionError FallbackCause = "ConnectionError"
	// CauseContextExceeded is a prompt longer than the model takes.
	CauseContextExceeded FallbackCause = "ContextExceeded"
)

// Fallback says what happens when a model fails before it answered: the next
// attempt goes to another model of the tier, then one tier up, never in a cycle.
//
// +kubebuilder:validation:XValidation:rule=`!has(self.on) || !has(self.__true__)`,message=`fallback.on is set twice, once in quotes: YAML reads an unquoted on as true`
type Fallback struct {
	// on are the causes that lead to a next attempt; any other failure goes back
	// to the client. An empty list turns fallback off. Omitted: Timeout,
	// RateLimited, ServerError, ConnectionError, ContextExceeded.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=5
	On []FallbackCause `json:"on,omitzero"`

	// true is on, as it arrives from a manifest that does not quote the key: YAML
	// 1.1, which kubectl reads, takes on for true. Manifests say on, quoted or not.
	//
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=5
	OnUnquoted []FallbackCause `json:"true,omitzero"`

	// maxAttempts is how many upstream calls one request may cause, the first
	// included, 1 to 10. Default: 3.
	//
	// +optional
	// +kubebuilder:default=3
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10
	MaxAttempts *int32 `json:"maxAttempts,omitempty"`

	// backoff is the pause before the second attempt, doubled before each
	// further one. Omitted: none.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule=`self.matches('^([0-9]{1,6}([.][0-9]{1,6})?(ms|s|m|h))+$') && duration(self) > duration('0s')`,message=`fallback.backoff must be a positive duration such as "100ms"`
	Backoff *metav1.Duration `json:"backoff,omitempty"`

	// hedgeAfter sends the request to the next model too when the first has not
	// begun to answer by then; the first answer wins and the other call is
	// cancelled, but paid for. Counts as an attempt. Omitted: no hedging.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule=`self.matches('^([0-9]{1,6}([.][0-9]{1,6})?(ms|s|m|h))+$') && duration(self) > duration('0s')`,message=`fallback.hedgeAfter must be a positive duration such as "5s"`
	HedgeAfter *metav1.Duration `json:"hedgeAfter,omitempty"`
}

// RoutingPolicy says which request goes to which tier.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=routingpolicies,categories=tiershift,shortName=rpol
// +kubebuilder:validation:XValidation:rule=`self.metadata.name.matches('^[a-z]([-a-z0-9]{0,46}[a-z0-9])?$')`,message=`metadata.name must be a DNS label of at most 48 characters that starts with a letter: it names the gateway's Service`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Gateway",type=string,JSONPath=`.status.gateway.url`
// +kubebuilder:printcolumn:name="Spend USD",type=string,JSONPath=`.status.spend.costUSD`
// +kubebuilder:printcolumn:name="Saved %",type=string,JSONPath=`.status.spend.savedPercent`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Tiers",type=string,JSONPath=`.status.tierNames`,priority=1
// +kubebuilder:printcolumn:name="Programmed",type=string,JSONPath=`.status.conditions[?(@.type=="Programmed")].status`,priority=1
// +kubebuilder:printcolumn:name="Budget",type=string,JSONPath=`.status.conditions[?(@.type=="BudgetWithinLimit")].status`,priority=1
// +kubebuilder:printcolumn:name="Baseline USD",type=string,JSONPath=`.status.spend.baselineCostUSD`,priority=1
// +kubebuilder:printcolumn:name="Suspended",type=boolean,JSONPath=`.spec.suspend`,priority=1
// +kubebuilder:printcolumn:name="Message",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].message`,priority=1
type RoutingPolicy struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// spec is what the user declares.
	//
	// +required
	Spec RoutingPolicySpec `json:"spec"`

	// status is what the operator observed and where traffic stands.
	// It begins with an observedGeneration of -1, by which tools that read it, such
	// as Flux, tell that nobody has looked at the object yet.
	//
	// +optional
	// +kubebuilder:default:={"observedGeneration":-1}
	Status RoutingPolicyStatus `json:"status,omitempty,omitzero"`
}

// RoutingPolicyList is a list of RoutingPolicies.
//
// +kubebuilder:object:root=true
type RoutingPolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`

	Items []RoutingPolicy `json:"items"`
}
