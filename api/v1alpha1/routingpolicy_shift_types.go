package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// ShiftMode says whether traffic is moved between tiers.
//
// +kubebuilder:validation:Enum=Automatic;Recommend;Off
type ShiftMode string

const (
	// ShiftAutomatic moves traffic.
	ShiftAutomatic ShiftMode = "Automatic"
	// ShiftRecommend says in status what it would move, and moves nothing.
	ShiftRecommend ShiftMode = "Recommend"
	// ShiftOff does neither.
	ShiftOff ShiftMode = "Off"
)

// Shift moves a route's traffic between tiers, in small reversible steps, towards
// the cheapest split that meets its objectives.
//
// A route takes each field that it omits from spec.shift; objectives and metrics
// are taken or replaced as a whole. A route left without objectives does not
// shift.
type Shift struct {
	// mode is Automatic, Recommend (says in status what it would do) or "Off", in
	// quotes since YAML reads a bare Off as false. Omitted in a route:
	// spec.shift.mode. Omitted in both: "Off".
	//
	// +optional
	Mode ShiftMode `json:"mode,omitempty"`

	// interval between two decisions, at least 10s. Omitted: 5m.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule=`self.matches('^([0-9]{1,6}([.][0-9]{1,6})?(ms|s|m|h))+$') && duration(self) >= duration('10s')`,message=`shift.interval must be a duration of at least 10s, such as "5m"`
	Interval *metav1.Duration `json:"interval,omitempty"`

	// stepPercent is how much of the route's traffic one decision may move.
	// Omitted: 10.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=100
	StepPercent *int32 `json:"stepPercent,omitempty"`

	// minSamples is how many measured requests a decision needs; with fewer the
	// split stays as it is. Omitted: 200.
	//
	// +optional
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000000
	MinSamples *int32 `json:"minSamples,omitempty"`

	// cooldown is how long a split stays after a shift before the next.
	// Omitted: 15m.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule=`self.matches('^([0-9]{1,6}([.][0-9]{1,6})?(ms|s|m|h))+$')`,message=`shift.cooldown must be a duration such as "15m"`
	Cooldown *metav1.Duration `json:"cooldown,omitempty"`

	// objectives are what a split must meet. Modes Automatic and Recommend need
	// them. Omitted in a route: spec.shift.objectives. Omitted in both: the route
	// does not shift.
	//
	// +optional
	Objectives *ShiftObjectives `json:"objectives,omitempty"`

	// metrics say where measurements come from. Omitted in a route:
	// spec.shift.metrics. Omitted in both: the operator scrapes the routers.
	//
	// +optional
	Metrics *ShiftMetrics `json:"metrics,omitempty"`
}

// ShiftObjectives are what a route's split must meet. At least one is given.
//
// +kubebuilder:validation:XValidation:rule=`has(self.minQuality) || has(self.maxCostPerRequestUSD) || has(self.maxLatencyP95)`,message=`shift.objectives must set at least one of minQuality, maxCostPerRequestUSD, maxLatencyP95`
type ShiftObjectives struct {
	// minQuality is the least mean quality score, 0 to 1, that the route must
	// keep, judged by its lower confidence bound. Omitted: quality is not
	// looked at.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule=`self.matches('^(0([.][0-9]{1,6})?|1([.]0{1,6})?)$')`,message=`shift.objectives.minQuality must be a decimal from 0 to 1, such as "0.92"`
	MinQuality Decimal `json:"minQuality,omitempty"`

	// maxCostPerRequestUSD is the greatest mean cost of a request in USD.
	// Omitted: as cheap as the other objectives allow.
	//
	// +optional
	// +kubebuilder:validation:XValidation:rule=`self.matches('^[0-9]{1,6}([.][0-9]{1,12})?$') && self.matches('[1-9]')`,message=`shift.objectives.maxCostPerRequestUSD must be a decimal above 0, such as "0.0015"`
	MaxCostPerRequestUSD Decimal `json:"maxCostPerRequestUSD,omitempty"`

	// maxLatencyP95 is the greatest 95th percentile of the request duration.
	// Omitted: latency is not looked at.
	//
	// +optional
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:MaxLength=16
	// +kubebuilder:validation:XValidation:rule=`self.matches('^([0-9]{1,6}([.][0-9]{1,6})?(ms|s|m|h))+$') && duration(self) > duration('0s')`,message=`shift.objectives.maxLatencyP95 must be a positive duration such as "4s"`
	MaxLatencyP95 *metav1.Duration `json:"maxLatencyP95,omitempty"`
}

// MetricsSource is where shift reads its measurements.
//
// +kubebuilder:validation:Enum=Scrape;Prometheus
type MetricsSource string

const (
	// MetricsScrape reads the routers' own /metrics.
	MetricsScrape MetricsSource = "Scrape"
	// MetricsPrometheus queries a Prometheus that scrapes the routers.
	MetricsPrometheus MetricsSource = "Prometheus"
)

// ShiftMetrics say where measurements come from.
//
// +kubebuilder:validation:XValidation:rule=`has(self.prometheus) == (has(self.source) && self.source == 'Prometheus')`,message=`shift.metrics.prometheus is required when source is Prometheus, and forbidden otherwise`
type ShiftMetrics struct {
	// source is Scrape (the operator reads the routers' /metrics) or Prometheus.
	// Omitted: Scrape.
	//
	// +optional
	Source MetricsSource `json:"source,omitempty"`

	// prometheus is required when source is Prometheus, and forbidden otherwise.
	//
	// +optional
	Prometheus *PrometheusSource `json:"prometheus,omitempty"`
}

// PrometheusSource is a Prometheus, or anything that answers its HTTP API.
type PrometheusSource struct {
	// url is the base URL below which /api/v1/query answers.
	//
	// +required
	// +kubebuilder:validation:MaxLength=512
	// +kubebuilder:validation:XValidation:rule=`self.matches('^https?://[^/?#@\\s]+(/[^?#\\s]*)?$') && isURL(self)`,message=`shift.metrics.prometheus.url must be an http or https URL without user, query or fragment, such as "http://prometheus.monitoring.svc:9090"`
	URL string `json:"url"`
}
