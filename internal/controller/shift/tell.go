package shift

import (
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/metricnames"
	core "github.com/tiershift/tiershift/internal/shift"
	"github.com/tiershift/tiershift/internal/shifting"
)

// Events of shifts.
const (
	reasonShifted     = "TrafficShifted"
	reasonRecommended = "ShiftRecommended"
	action            = "Shift"
)

// tell makes the outcome known, once it is kept.
func (r *Reconciler) tell(policy *v1alpha1.RoutingPolicy, outcome *shifting.Outcome) {
	name := client.ObjectKeyFromObject(policy)
	for i := range outcome.Decided {
		d := &outcome.Decided[i]
		r.Metrics.decided(name, d)
		if kind, reason := eventOf(d); reason != "" {
			r.Events.Eventf(policy, nil, kind, reason, action, "%s", d.Message)
		}
	}
	r.Metrics.split(name, outcome.Routes)
}

// troubles are the reasons to hold that someone may have to do something about.
var troubles = []core.Reason{core.ReasonMetricsUnavailable, core.ReasonUnmeetable, core.ReasonConflict, core.ReasonInvalid, core.ReasonNoTier}

// failures are the reasons of shifts for which the same holds.
var failures = []core.Reason{core.ReasonQualityBelow, core.ReasonLatencyAbove, core.ReasonFailing, core.ReasonCollapsed}

// eventOf is the Event about the decision; none while things stay as they are.
func eventOf(d *shifting.Decided) (kind, reason string) {
	kind = corev1.EventTypeNormal
	if slices.Contains(failures, d.Reason) || slices.Contains(troubles, d.Reason) {
		kind = corev1.EventTypeWarning
	}
	switch {
	case d.Record != nil && d.Record.Recommended:
		return kind, reasonRecommended
	case d.Record != nil:
		return kind, reasonShifted
	case d.News && slices.Contains(troubles, d.Reason):
		return kind, string(d.Reason)
	}
	return "", ""
}

// Metrics tell of splits and decisions.
type Metrics struct {
	ratio     *prometheus.GaugeVec
	decisions *prometheus.CounterVec

	mu sync.Mutex
	// shown are the series of ratio by policy.
	shown map[types.NamespacedName]map[[2]string]bool
}

// NewMetrics registers the metrics.
func NewMetrics(registry prometheus.Registerer) (*Metrics, error) {
	labels := []string{metricnames.LabelNamespace, metricnames.LabelPolicy, metricnames.LabelRoute}
	m := &Metrics{
		ratio: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: metricnames.TrafficSplitRatio, Help: "The share of a route's undecided traffic that goes to a tier, from 0 to 1.",
		}, append(slices.Clone(labels), metricnames.LabelTier)),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: metricnames.ShiftDecisionsTotal, Help: "Decisions on splits by direction (empty: nothing moves) and reason.",
		}, append(slices.Clone(labels), metricnames.LabelDirection, metricnames.LabelReason)),
		shown: map[types.NamespacedName]map[[2]string]bool{},
	}
	for _, c := range []prometheus.Collector{m.ratio, m.decisions} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *Metrics) decided(policy types.NamespacedName, d *shifting.Decided) {
	m.decisions.WithLabelValues(policy.Namespace, policy.Name, d.Route, string(d.Direction), string(d.Reason)).Inc()
}

// split shows the splits of the policy's routes, and no other of it.
func (m *Metrics) split(policy types.NamespacedName, routes []v1alpha1.RouteStatus) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := map[[2]string]bool{}
	for i := range routes {
		for _, share := range routes[i].Split {
			m.ratio.WithLabelValues(policy.Namespace, policy.Name, routes[i].Name, share.Tier).Set(float64(share.Percent) / 100)
			now[[2]string{routes[i].Name, share.Tier}] = true
		}
	}
	for series := range m.shown[policy] {
		if !now[series] {
			m.ratio.DeleteLabelValues(policy.Namespace, policy.Name, series[0], series[1])
		}
	}
	m.shown[policy] = now
}

func (m *Metrics) forget(policy types.NamespacedName) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.shown[policy] == nil {
		return
	}
	of := prometheus.Labels{metricnames.LabelNamespace: policy.Namespace, metricnames.LabelPolicy: policy.Name}
	m.ratio.DeletePartialMatch(of)
	m.decisions.DeletePartialMatch(of)
	delete(m.shown, policy)
}
