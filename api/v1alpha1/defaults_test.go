package v1alpha1

import (
	"reflect"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

func minutes(n int) *metav1.Duration {
	return &metav1.Duration{Duration: time.Duration(n) * time.Minute}
}

func TestResolveShift(t *testing.T) {
	defaults := Shift{
		Mode: ShiftOff, Interval: minutes(5), StepPercent: new(int32(10)), MinSamples: new(int32(200)), Cooldown: minutes(15),
		Metrics: &ShiftMetrics{Source: MetricsScrape},
	}
	with := func(change func(*Shift)) Shift {
		s := *defaults.DeepCopy()
		change(&s)
		return s
	}
	quality, cost := &ShiftObjectives{MinQuality: "0.9"}, &ShiftObjectives{MaxCostPerRequestUSD: "0.01"}
	prometheus := &ShiftMetrics{Source: MetricsPrometheus, Prometheus: &PrometheusSource{URL: "http://prometheus:9090"}}

	tests := []struct {
		name          string
		policy, route *Shift
		want          Shift
	}{
		{"nothing said is off", nil, nil, defaults},
		{
			"the policy's fields hold for a route that says nothing",
			&Shift{Mode: ShiftAutomatic, Interval: minutes(1), Objectives: quality, Metrics: prometheus}, nil,
			with(func(s *Shift) {
				s.Mode, s.Interval, s.Objectives, s.Metrics = ShiftAutomatic, minutes(1), quality, prometheus
			}),
		},
		{
			"the route's fields win one by one",
			&Shift{Mode: ShiftAutomatic, StepPercent: new(int32(5)), MinSamples: new(int32(50)), Cooldown: minutes(60), Objectives: cost},
			&Shift{Mode: ShiftRecommend, MinSamples: new(int32(500))},
			with(func(s *Shift) {
				s.Mode, s.StepPercent, s.MinSamples, s.Cooldown = ShiftRecommend, new(int32(5)), new(int32(500)), minutes(60)
				s.Objectives = cost
			}),
		},
		{
			"a mode without objectives is off",
			&Shift{Mode: ShiftAutomatic}, &Shift{Mode: ShiftRecommend}, defaults,
		},
		{
			"objectives are replaced as a whole",
			&Shift{Objectives: quality}, &Shift{Objectives: cost},
			with(func(s *Shift) { s.Objectives = cost }),
		},
		{
			"metrics are replaced as a whole",
			&Shift{Metrics: prometheus}, &Shift{Metrics: &ShiftMetrics{}}, defaults,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			policy, route := test.policy.DeepCopy(), test.route.DeepCopy()
			got := ResolveShift(test.policy, test.route)
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			got.Metrics.Source = "changed"
			if !reflect.DeepEqual(test.policy, policy) || !reflect.DeepEqual(test.route, route) {
				t.Error("an argument shares memory with the result")
			}
		})
	}
}

func TestFallbackCauses(t *testing.T) {
	timeout := []FallbackCause{CauseTimeout}
	tests := []struct {
		name     string
		fallback *Fallback
		want     []FallbackCause
	}{
		{"no fallback at all", nil, DefaultFallbackCauses()},
		{"no causes", &Fallback{}, DefaultFallbackCauses()},
		{"causes", &Fallback{On: timeout}, timeout},
		{"causes under an unquoted on", &Fallback{OnUnquoted: timeout}, timeout},
		{"none of the causes", &Fallback{On: []FallbackCause{}}, []FallbackCause{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.fallback.Causes(); !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestSchemeKnowsTheKinds(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{KindProviderCredential, KindModelTier, KindRoutingPolicy} {
		for _, name := range []string{kind, kind + "List"} {
			if !scheme.Recognizes(GroupVersion.WithKind(name)) {
				t.Errorf("the scheme does not know %s", name)
			}
		}
	}
}
