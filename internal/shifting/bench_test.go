package shifting_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/metricsource"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/shifting"
)

// page is the /metrics page of a router that has served five routes on four models.
func page(b *testing.B, factor float64) []byte {
	b.Helper()
	registry := prometheus.NewRegistry()
	labels := []string{"namespace", "policy", "route", "tier", "model", "provider", "placed"}
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{Name: metricnames.RequestsTotal}, append(labels, "outcome"))
	cost := prometheus.NewCounterVec(prometheus.CounterOpts{Name: metricnames.CostUSDTotal}, labels)
	buckets := prometheus.ExponentialBucketsRange(0.01, 300, 18)
	registry.MustRegister(requests, cost)
	var histograms []*prometheus.HistogramVec
	for _, name := range []string{metricnames.RequestDurationSeconds, metricnames.TimeToFirstTokenSeconds, metricnames.OverheadSeconds} {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Buckets: buckets}, labels)
		registry.MustRegister(h)
		histograms = append(histograms, h)
	}
	for route := range 5 {
		for model := range 4 {
			tier := []string{"nano", "mid", "mid", "flagship"}[model]
			placed := ""
			if route == 0 {
				placed = tier
			}
			values := []string{"shop", "desk", fmt.Sprintf("route-%d", route), tier, fmt.Sprintf("model-%d", model), "OpenAI", placed}
			requests.WithLabelValues(append(values, metricnames.OutcomeSuccess)...).Add(1000 * factor)
			cost.WithLabelValues(values...).Add(factor)
			for _, h := range histograms {
				for i := range int(50 * factor) {
					h.WithLabelValues(values...).Observe(float64(i%20) / 10)
				}
			}
		}
	}
	var text bytes.Buffer
	families, err := registry.Gather()
	if err != nil {
		b.Fatal(err)
	}
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
			b.Fatal(err)
		}
	}
	return text.Bytes()
}

// pages answers without a network with one page, then with the next.
type pages struct {
	pages [][]byte
	asked int
}

func (p *pages) RoundTrip(r *http.Request) (*http.Response, error) {
	at := p.pages[p.asked%len(p.pages)]
	p.asked++
	return &http.Response{
		StatusCode: http.StatusOK, Status: "200 OK", Request: r, Header: http.Header{"Content-Type": {"text/plain"}},
		Body: io.NopCloser(bytes.NewReader(at)),
	}, nil
}

// BenchmarkRound is a policy's round with two routers: scrape, decide, encode. The
// network is not in it.
//
// A thousand policies with an interval of a minute may use 5 % of a core: 3 ms each.
func BenchmarkRound(b *testing.B) {
	route := shifts("route-0", nil)
	policy := &v1alpha1.RoutingPolicy{}
	policy.Namespace, policy.Name = "shop", "desk"
	policy.Spec.Routes = []v1alpha1.Route{route}
	config := &routerconfig.Config{
		Namespace: "shop", Policy: "desk", DefaultTier: "mid", Routes: []routerconfig.Route{{Name: "route-0"}},
		Tiers: []routerconfig.Tier{{Name: "nano", Rank: 10}, {Name: "mid", Rank: 20}, {Name: "flagship", Rank: 30}},
	}
	var growing [][]byte
	for i := range 8 {
		growing = append(growing, page(b, float64(i+1)))
	}
	client := &http.Client{Transport: &pages{pages: growing}}
	desk := shifting.NewDesk(shifting.Options{Routers: client})
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	targets := []metricsource.Target{{ID: "a", URL: "http://a/metrics"}, {ID: "b", URL: "http://b/metrics"}}
	b.ReportMetric(float64(len(growing[0])), "bytes/page")
	b.ReportAllocs()
	decided := 0
	for b.Loop() {
		now = now.Add(5 * time.Minute)
		outcome := desk.Hold(b.Context(), shifting.Round{Policy: policy, Config: config, Targets: targets, Now: now})
		policy.Status.Routes = outcome.Routes
		outcome.Kept()
		decided += len(outcome.Decided)
	}
	if decided < b.N/2 {
		b.Errorf("%d decisions in %d rounds", decided, b.N)
	}
}
