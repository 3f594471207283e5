package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// MaxShiftHistory is how many shifts a route's status remembers.
const MaxShiftHistory = 20

// RoutingPolicyStatus is what the operator observed and where traffic stands. If
// it is lost, routing starts again from the policy's initial split.
type RoutingPolicyStatus struct {
	// observedGeneration is the metadata.generation that the status describes.
	//
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// conditions: Accepted, ResolvedRefs, Programmed, BudgetWithinLimit, Ready.
	//
	// +optional
	// +listType=map
	// +listMapKey=type
	// +kubebuilder:validation:MaxItems=16
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// tierNames are the policy's tiers by ascending rank in one line, for
	// kubectl get.
	//
	// +optional
	TierNames string `json:"tierNames,omitempty"`

	// gateway is where the policy is served. Absent until there is one.
	//
	// +optional
	Gateway *GatewayStatus `json:"gateway,omitempty"`

	// sidecars are the routers beside other containers. Absent without any.
	//
	// +optional
	Sidecars *RouterCount `json:"sidecars,omitempty"`

	// configDigest identifies the config that routers are to serve.
	//
	// +optional
	ConfigDigest string `json:"configDigest,omitempty"`

	// routes are the policy's routes that shift, or did and are "Off", in the order
	// in which they are tried.
	//
	// +optional
	// +listType=map
	// +listMapKey=name
	// +kubebuilder:validation:MaxItems=65
	Routes []RouteStatus `json:"routes,omitempty"`

	// spend is the cost of the current period. Absent until there is one.
	//
	// +optional
	Spend *SpendStatus `json:"spend,omitempty"`
}

// RouterCount counts routers, and those that acknowledge status.configDigest.
type RouterCount struct {
	// total is how many routers there are to be.
	//
	// +required
	Total int32 `json:"total"`

	// acknowledged is how many of them serve the config of status.configDigest.
	//
	// +required
	Acknowledged int32 `json:"acknowledged"`
}

// GatewayStatus is where a policy is served.
type GatewayStatus struct {
	// url is the base URL for clients, without a path.
	//
	// +optional
	URL string `json:"url,omitempty"`

	// replicas counts the gateway's pods.
	//
	// +optional
	Replicas *RouterCount `json:"replicas,omitempty"`
}

// RouteStatus is where the traffic of one route stands.
type RouteStatus struct {
	// name of the route.
	//
	// +required
	Name string `json:"name"`

	// split is the live traffic split by ascending rank; it sums to 100. Absent
	// until there is one.
	//
	// +optional
	// +listType=map
	// +listMapKey=tier
	// +kubebuilder:validation:MaxItems=16
	Split []TierShare `json:"split,omitempty"`

	// models are how the tiers that were too slow spread their share of the route
	// over their models, instead of as their selection says; those of each tier sum
	// to 100. Absent where none was too slow.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Models []ModelShare `json:"models,omitempty"`

	// recommended is the split that mode Recommend would move to. Absent in
	// other modes, and when it would not move.
	//
	// +optional
	// +listType=map
	// +listMapKey=tier
	// +kubebuilder:validation:MaxItems=16
	Recommended []TierShare `json:"recommended,omitempty"`

	// reason is why the split is as it is, in one word: that of the last decision.
	//
	// +optional
	Reason string `json:"reason,omitempty"`

	// message gives the figures behind the reason.
	//
	// +optional
	Message string `json:"message,omitempty"`

	// window is what was measured over the last interval. Absent until
	// something was.
	//
	// +optional
	Window *WindowStatus `json:"window,omitempty"`

	// lastShift is the last time the split changed, or in mode Recommend would
	// have. Absent until then.
	//
	// +optional
	LastShift *ShiftRecord `json:"lastShift,omitempty"`

	// shifts are the last 20 shifts, the latest first.
	//
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=20
	Shifts []ShiftRecord `json:"shifts,omitempty"`

	// evidence is what was learned of the tiers, for the operator itself; nothing
	// else reads it. Without it the split stays, and nothing moves down before it is
	// proven again.
	//
	// +optional
	// +kubebuilder:validation:MaxLength=32768
	Evidence string `json:"evidence,omitempty"`
}

// ModelShare is one model's part of what a route sends to a tier.
type ModelShare struct {
	// tier is a tier's name.
	//
	// +required
	Tier string `json:"tier"`

	// model is the name of one of the tier's models.
	//
	// +required
	Model string `json:"model"`

	// provider is that of the model's credential, for models of the same name at
	// several.
	//
	// +required
	Provider Provider `json:"provider"`

	// percent of what the route sends to the tier, 0 to 100.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Percent int32 `json:"percent"`

	// selected is the percentage that the tier's selection gave the model before,
	// and that it gets back once it is fast enough.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Selected int32 `json:"selected"`
}

// TierShare is one tier's part of a split.
type TierShare struct {
	// tier is a tier's name.
	//
	// +required
	Tier string `json:"tier"`

	// percent of the route's traffic, 0 to 100.
	//
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Percent int32 `json:"percent"`
}

// WindowStatus is what was measured over a window. What has no sample is absent.
type WindowStatus struct {
	// start of the window.
	//
	// +optional
	Start *metav1.Time `json:"start,omitempty"`

	// end of the window.
	//
	// +optional
	End *metav1.Time `json:"end,omitempty"`

	// requests that ended in the window.
	//
	// +required
	Requests int64 `json:"requests"`

	// costPerRequestUSD is the mean cost of a request, a decimal in USD.
	//
	// +optional
	CostPerRequestUSD string `json:"costPerRequestUSD,omitempty"`

	// quality is the mean quality score, a decimal from 0 to 1.
	//
	// +optional
	Quality string `json:"quality,omitempty"`

	// qualityLowerBound is the lower bound of the confidence interval of
	// quality, a decimal from 0 to 1. Objectives are held against it.
	//
	// +optional
	QualityLowerBound string `json:"qualityLowerBound,omitempty"`

	// qualitySamples counts the scores that quality is the mean of.
	//
	// +optional
	QualitySamples int64 `json:"qualitySamples,omitempty"`

	// latencyP95 is the 95th percentile of the request duration.
	//
	// +optional
	LatencyP95 *metav1.Duration `json:"latencyP95,omitempty"`
}

// ShiftDirection says where a shift moves traffic.
//
// +kubebuilder:validation:Enum=Up;Down;Sideways
type ShiftDirection string

const (
	// ShiftUp moves traffic to a more capable tier.
	ShiftUp ShiftDirection = "Up"
	// ShiftDown moves traffic to a cheaper tier.
	ShiftDown ShiftDirection = "Down"
	// ShiftSideways moves traffic to another model of the same tier.
	ShiftSideways ShiftDirection = "Sideways"
)

// ShiftRecord is one shift of a route's traffic and why it was made.
type ShiftRecord struct {
	// time of the decision.
	//
	// +required
	Time metav1.Time `json:"time"`

	// direction is Down (to a cheaper tier), Up (to a more capable one) or Sideways
	// (to another model of the same tier).
	//
	// +required
	Direction ShiftDirection `json:"direction"`

	// from is the tier that lost traffic; Sideways, TIER/MODEL.
	//
	// +required
	From string `json:"from"`

	// to is the tier that gained it; Sideways, TIER/MODEL.
	//
	// +required
	To string `json:"to"`

	// percent of the route's traffic that moved; Sideways, of the tier's.
	//
	// +required
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	Percent int32 `json:"percent"`

	// recommended is true when mode Recommend made it: no traffic moved.
	//
	// +optional
	Recommended bool `json:"recommended,omitempty"`

	// reason in one word.
	//
	// +required
	Reason string `json:"reason"`

	// message gives the figures behind the reason.
	//
	// +optional
	Message string `json:"message,omitempty"`
}

// SpendStatus is the cost of the current period, as decimals in USD.
type SpendStatus struct {
	// periodStart is when the period began: the budget's, or the calendar month
	// (UTC) without a budget.
	//
	// +required
	PeriodStart metav1.Time `json:"periodStart"`

	// costUSD is what the period's requests cost.
	//
	// +required
	CostUSD string `json:"costUSD"`

	// baselineCostUSD is what they would have cost at the baseline.
	//
	// +required
	BaselineCostUSD string `json:"baselineCostUSD"`

	// savedUSD is baselineCostUSD less costUSD; negative when routing cost more.
	//
	// +required
	SavedUSD string `json:"savedUSD"`

	// savedPercent is savedUSD in percent of baselineCostUSD. Absent while that
	// is 0.
	//
	// +optional
	SavedPercent string `json:"savedPercent,omitempty"`

	// budgetPercent is costUSD in percent of budget.limitUSD. Absent without a
	// budget.
	//
	// +optional
	BudgetPercent string `json:"budgetPercent,omitempty"`
}
