package shift

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tiershift/tiershift/api/v1alpha1"
	core "github.com/tiershift/tiershift/internal/shift"
	"github.com/tiershift/tiershift/internal/shifting"
)

func TestEventsTellOfShiftsAndOfWhatKeepsFromThem(t *testing.T) {
	record, recommended := &v1alpha1.ShiftRecord{}, &v1alpha1.ShiftRecord{Recommended: true}
	for name, c := range map[string]struct {
		reason core.Reason
		record *v1alpha1.ShiftRecord
		news   bool
		want   string
	}{
		"a step down":               {core.ReasonProven, record, true, "Normal TrafficShifted"},
		"a step away from failure":  {core.ReasonQualityBelow, record, true, "Warning TrafficShifted"},
		"a collapse":                {core.ReasonCollapsed, record, false, "Warning TrafficShifted"},
		"a recommendation":          {core.ReasonProven, recommended, true, "Normal ShiftRecommended"},
		"a recommendation to leave": {core.ReasonLatencyAbove, recommended, true, "Warning ShiftRecommended"},
		"an outage":                 {core.ReasonMetricsUnavailable, nil, true, "Warning MetricsUnavailable"},
		"an outage that goes on":    {core.ReasonMetricsUnavailable, nil, false, " "},
		"a conflict":                {core.ReasonConflict, nil, true, "Warning ObjectivesConflict"},
		"nothing to do":             {core.ReasonSettled, nil, true, " "},
		"too little traffic":        {core.ReasonTooFewSamples, nil, true, " "},
	} {
		t.Run(name, func(t *testing.T) {
			kind, reason := eventOf(&shifting.Decided{Decision: core.Decision{Reason: c.reason, Record: c.record}, News: c.news})
			if reason == "" {
				kind = ""
			}
			if got := kind + " " + reason; got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// series are the values of all series by the values of their labels, of which
// Prometheus sorts the names.
func series(t *testing.T, registry *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			name := family.GetName()
			for _, label := range metric.GetLabel() {
				name += " " + label.GetValue()
			}
			out[name] = value(metric)
		}
	}
	return out
}

func value(m *dto.Metric) float64 { return m.GetGauge().GetValue() + m.GetCounter().GetValue() }

func TestMetricsShowJustTheSplitsThatThereAre(t *testing.T) {
	registry := prometheus.NewRegistry()
	m, err := NewMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	desk, other := types.NamespacedName{Namespace: "shop", Name: "desk"}, types.NamespacedName{Namespace: "shop", Name: "other"}
	split := func(shares ...v1alpha1.TierShare) []v1alpha1.RouteStatus {
		return []v1alpha1.RouteStatus{{Name: "chat", Split: shares}}
	}
	m.split(desk, split(v1alpha1.TierShare{Tier: "nano", Percent: 30}, v1alpha1.TierShare{Tier: "mid", Percent: 70}))
	m.split(other, split(v1alpha1.TierShare{Tier: "mid", Percent: 100}))
	m.decided(desk, &shifting.Decided{Route: "chat", Decision: core.Decision{Direction: v1alpha1.ShiftDown, Reason: core.ReasonProven}})
	m.decided(desk, &shifting.Decided{Route: "chat", Decision: core.Decision{Reason: core.ReasonSettled}})
	got := series(t, registry)
	const ratio, decisions = "tiershift_traffic_split_ratio shop ", "tiershift_shift_decisions_total "
	if got[ratio+"desk chat nano"] != 0.3 || got[ratio+"desk chat mid"] != 0.7 || got[decisions+"Down shop desk Proven chat"] != 1 || got[decisions+" shop desk Settled chat"] != 1 {
		t.Errorf("%v", got)
	}
	m.split(desk, split(v1alpha1.TierShare{Tier: "mid", Percent: 100}))
	if got := series(t, registry); len(got) != 4 || got[ratio+"desk chat mid"] != 1 {
		t.Errorf("after a step back: %v", got)
	}
	m.forget(desk)
	if got := series(t, registry); len(got) != 1 || got[ratio+"other chat mid"] != 1 {
		t.Errorf("without the policy: %v", got)
	}
	if _, err := NewMetrics(registry); err == nil {
		t.Error("the same metrics are registered twice")
	}
}
