package metricsource

import (
	"context"
	"fmt"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/tiershift/tiershift/internal/metricnames"
	"github.com/tiershift/tiershift/internal/shift"
)

// replica is a router's accounts, served as routers serve them.
type replica struct {
	*httptest.Server
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	cost      *prometheus.CounterVec
	durations *prometheus.HistogramVec
	scores    *prometheus.HistogramVec
	started   prometheus.Gauge
}

func newReplica(t *testing.T, started time.Time) *replica {
	t.Helper()
	labels := []string{"namespace", "policy", "route", "tier", "model", "provider", "placed"}
	r := &replica{
		registry:  prometheus.NewRegistry(),
		requests:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: metricnames.RequestsTotal}, append(labels, "outcome")),
		cost:      prometheus.NewCounterVec(prometheus.CounterOpts{Name: metricnames.CostUSDTotal}, labels),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: metricnames.RequestDurationSeconds, Buckets: []float64{1, 2, 4}}, labels),
		scores:    prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: metricnames.QualityScore, Buckets: shift.ScoreBuckets}, append(labels, metricnames.LabelSource)),
		started:   prometheus.NewGauge(prometheus.GaugeOpts{Name: processStart}),
	}
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: metricnames.ConfigInfo}, []string{"namespace", "policy", "digest", "generation"})
	info.WithLabelValues("default", "support", "d", "1").Set(1)
	r.registry.MustRegister(r.requests, r.cost, r.durations, r.scores, r.started, info)
	r.started.Set(float64(started.Unix()))
	r.Server = httptest.NewServer(promhttp.HandlerFor(r.registry, promhttp.HandlerOpts{}))
	t.Cleanup(r.Close)
	return r
}

// serve counts n good answers of a tier and one that failed, at two models.
func (r *replica) serve(tier string, n int) {
	for i := range n {
		labels := []string{"default", "support", "chat", tier, fmt.Sprintf("model-%d", i%2), "OpenAI", tier}
		r.requests.WithLabelValues(append(labels, metricnames.OutcomeSuccess)...).Inc()
		r.cost.WithLabelValues(labels...).Add(0.001)
		r.durations.WithLabelValues(labels...).Observe(1.5)
		r.scores.WithLabelValues(append(labels, "judge")...).Observe(0.75)
	}
	labels := []string{"default", "support", "chat", tier, "model-0", "OpenAI", tier}
	r.requests.WithLabelValues(append(labels, metricnames.OutcomeUpstreamError)...).Inc()
	r.durations.WithLabelValues(labels...).Observe(3)
}

func (r *replica) target(id string) Target { return Target{ID: id, URL: r.URL + "/metrics"} }

var epoch = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func clockAt(minutes int) time.Time { return epoch.Add(time.Duration(minutes) * time.Minute) }

func newTestScrape() *Scrape {
	return NewScrape(ScrapeOptions{Selection: Selection{Namespace: "default", Policy: "support"}})
}

// take is the window, which is then begun anew.
func take(s *Scrape) shift.Window {
	defer s.Begin("chat")
	return s.Window("chat")
}

func collect(t *testing.T, s *Scrape, minute int, targets ...Target) {
	t.Helper()
	if err := s.Collect(t.Context(), targets, clockAt(minute)); err != nil {
		t.Fatal(err)
	}
}

func wantRequests(t *testing.T, w shift.Window, want map[string]float64) {
	t.Helper()
	if w.Fault != "" {
		t.Fatalf("fault: %s", w.Fault)
	}
	got := map[string]float64{}
	for _, s := range w.Samples {
		got[s.Tier] = s.Requests
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("requests %v, want %v", got, want)
	}
}

func TestAWindowHoldsWhatWasCountedInIt(t *testing.T) {
	a, b := newReplica(t, clockAt(-60)), newReplica(t, clockAt(-60))
	a.serve("nano", 100) // before the first scrape
	s := newTestScrape()
	collect(t, s, 0, a.target("a"), b.target("b"))
	if w := take(s); !strings.Contains(w.Fault, "second scrape") {
		t.Errorf("after one scrape: %+v", w)
	}
	a.serve("nano", 40)
	a.serve("mid", 10)
	b.serve("nano", 60)
	collect(t, s, 5, a.target("a"), b.target("b"))
	w := take(s)
	wantRequests(t, w, map[string]float64{"nano": 102, "mid": 11})
	if !w.Start.Equal(clockAt(0)) || !w.End.Equal(clockAt(5)) {
		t.Errorf("from %s to %s", w.Start, w.End)
	}
	nano := w.Samples[1]
	judge := nano.Scores[shift.SourceJudge]
	if nano.Failed != 2 || math.Abs(nano.CostUSD-0.1) > 1e-9 || judge.Count() != 100 || math.Abs(judge.Sum-75) > 1e-9 {
		t.Errorf("nano: %+v", nano)
	}
	if got := nano.Durations.Buckets; len(got) != 4 || got[1].Count != 100 || got[2].Count != 2 || !math.IsInf(got[3].Upper, 1) {
		t.Errorf("durations: %+v", got)
	}
	if again := take(s); again.Fault == "" {
		t.Errorf("taken twice: %+v", again)
	}
	collect(t, s, 10, a.target("a"), b.target("b"))
	if w := take(s); w.Fault != "" || len(w.Samples) != 0 {
		t.Errorf("without traffic: %+v", w)
	}
}

func TestRoutesOfDifferentIntervalsLoseNothing(t *testing.T) {
	a := newReplica(t, clockAt(-60))
	s := newTestScrape()
	for minute := range 4 {
		collect(t, s, minute, a.target("a"))
		a.serve("nano", 9)
	}
	collect(t, s, 4, a.target("a"))
	wantRequests(t, take(s), map[string]float64{"nano": 40})
}

func TestReplicasComeGoAndBeginAnew(t *testing.T) {
	a, b := newReplica(t, clockAt(-60)), newReplica(t, clockAt(-60))
	a.serve("nano", 99)
	b.serve("nano", 99)
	s := newTestScrape()
	collect(t, s, 0, a.target("a"), b.target("b"))
	b.serve("nano", 19)
	collect(t, s, 2, a.target("a"), b.target("b")) // b is gone after this
	restarted := newReplica(t, clockAt(3))
	restarted.serve("nano", 29)
	fresh := newReplica(t, clockAt(3))
	fresh.serve("nano", 9)
	collect(t, s, 5, restarted.target("a"), fresh.target("c"))
	wantRequests(t, take(s), map[string]float64{"nano": 20 + 30 + 10})

	t.Run("counters that fell tell of a restart without a start time", func(t *testing.T) {
		silent := newReplica(t, time.Unix(0, 0))
		silent.serve("nano", 4)
		collect(t, s, 10, silent.target("a"), fresh.target("c"))
		wantRequests(t, take(s), map[string]float64{"nano": 5})
	})
	t.Run("an old router that was not known begins where it stands", func(t *testing.T) {
		old := newReplica(t, clockAt(-600))
		old.serve("nano", 999)
		collect(t, s, 15, fresh.target("c"), old.target("d"))
		old.serve("nano", 9)
		collect(t, s, 20, fresh.target("c"), old.target("d"))
		wantRequests(t, take(s), map[string]float64{"nano": 10})
	})
}

func TestARouterThatDoesNotAnswerLosesNothing(t *testing.T) {
	a, b := newReplica(t, clockAt(-60)), newReplica(t, clockAt(-60))
	s := newTestScrape()
	collect(t, s, 0, a.target("a"), b.target("b"))
	a.serve("nano", 9)
	b.serve("nano", 19)
	dead := Target{ID: "b", URL: "http://127.0.0.1:1/metrics"}
	if err := s.Collect(t.Context(), []Target{a.target("a"), dead}, clockAt(5)); err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") {
		t.Errorf("error %v", err)
	}
	wantRequests(t, take(s), map[string]float64{"nano": 10})
	collect(t, s, 10, a.target("a"), b.target("b"))
	wantRequests(t, take(s), map[string]float64{"nano": 20})
}

func TestTooFewAnswersAreAFault(t *testing.T) {
	a := newReplica(t, clockAt(-60))
	s := newTestScrape()
	targets := []Target{a.target("a"), {ID: "b", URL: "http://127.0.0.1:1/"}, {ID: "c", URL: "http://127.0.0.1:1/"}}
	for minute := range 2 {
		a.serve("nano", 9)
		_ = s.Collect(t.Context(), targets, clockAt(5*minute)) // two of three fail
	}
	if w := take(s); !strings.Contains(w.Fault, "only 1 of 3 routers") {
		t.Errorf("%+v", w)
	}
	_ = s.Collect(t.Context(), nil, clockAt(10))
	if w := take(s); !strings.Contains(w.Fault, "no router") {
		t.Errorf("%+v", w)
	}
}

func TestASeriesThatVanishesAndReturnsIsCountedOnce(t *testing.T) {
	body := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }))
	defer server.Close()
	line := func(tier string, n int) string {
		return fmt.Sprintf("tiershift_requests_total{namespace=\"default\",policy=\"support\",route=\"chat\",placed=%q,outcome=\"success\"} %d\n", tier, n)
	}
	s, target := newTestScrape(), Target{ID: "a", URL: server.URL}
	for i, text := range []string{line("nano", 100) + line("mid", 5), line("mid", 6), line("nano", 107) + line("mid", 6)} {
		body = text
		collect(t, s, i, target)
	}
	wantRequests(t, take(s), map[string]float64{"nano": 7, "mid": 1})
}

func TestOnlyWhatTheSplitPlacedCounts(t *testing.T) {
	const text = `tiershift_requests_total{namespace="default",policy="support",route="chat",tier="mid",placed="nano",outcome="success"} 3
tiershift_requests_total{namespace="default",policy="support",route="chat",tier="mid",placed="",outcome="success"} 4
tiershift_requests_total{namespace="default",policy="other",route="chat",tier="mid",placed="nano",outcome="success"} 5
`
	r, err := parse(strings.NewReader(text), &Selection{Namespace: "default", Policy: "support"}, epoch)
	if err != nil {
		t.Fatal(err)
	}
	if samples := r.counts.samples("chat"); len(samples) != 1 || samples[0].Tier != "nano" || samples[0].Requests != 3 {
		t.Errorf("%+v", samples)
	}
}

// What fell back to another tier tells nothing of the models of its own.
func TestModelsCountWhatTheyAnsweredWhereItWasPlaced(t *testing.T) {
	a := newReplica(t, clockAt(-60))
	a.serve("nano", 10)
	a.durations.WithLabelValues("default", "support", "chat", "mid", "model-9", "OpenAI", "nano").Observe(5)
	s := newTestScrape()
	collect(t, s, 0, a.target("a"))
	a.serve("nano", 10)
	a.durations.WithLabelValues("default", "support", "chat", "mid", "model-9", "OpenAI", "nano").Observe(5)
	collect(t, s, 5, a.target("a"))
	nano := take(s).Samples[0]
	counts := map[string]float64{}
	for _, m := range nano.Models {
		counts[m.Name+" of "+m.Provider] = m.Durations.Count()
	}
	if want := map[string]float64{"model-0 of OpenAI": 6, "model-1 of OpenAI": 5}; !maps.Equal(counts, want) || nano.Durations.Count() != 12 {
		t.Errorf("%v of %g requests, want %v of 12", counts, nano.Durations.Count(), want)
	}
}

func TestAWindowGrowsUntilTheNextIsBegun(t *testing.T) {
	a := newReplica(t, clockAt(-60))
	s := newTestScrape()
	collect(t, s, 0, a.target("a"))
	a.serve("nano", 9)
	collect(t, s, 5, a.target("a"))
	wantRequests(t, s.Window("chat"), map[string]float64{"nano": 10})
	a.serve("nano", 9)
	collect(t, s, 10, a.target("a"))
	wantRequests(t, s.Window("chat"), map[string]float64{"nano": 20})
	s.Keep(map[string]bool{"other": true})
	if w := s.Window("chat"); len(w.Samples) != 0 {
		t.Errorf("a route that is no longer asked about still has %+v", w)
	}
}

func TestWhatNoRouterSays(t *testing.T) {
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"an error": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }, "418"},
		"a page": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<p>hello")
		}, "not with metrics"},
		"garbage": {text("tiershift_requests_total{ 3"), "text format"},
		"NaN":     {text(`tiershift_requests_total{namespace="default",policy="support",route="chat",tier="mid",placed="mid"} NaN` + "\n"), "counts NaN"},
		"a stale sample": {
			text(`tiershift_requests_total{namespace="default",policy="support",route="chat",tier="mid",placed="mid"} 3 1000` + "\n"), "is of 1970",
		},
		"no histogram": {text(`tiershift_quality_score{namespace="default",policy="support",route="chat",tier="mid",placed="mid"} 3` + "\n"), "no histogram"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(c.handler)
			defer server.Close()
			err := newTestScrape().Collect(context.Background(), []Target{{ID: "a", URL: server.URL}}, epoch)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %s", err, c.want)
			}
		})
	}
}

func text(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		fmt.Fprint(w, body)
	}
}

// FuzzParse holds that whatever a router says becomes an error, or numbers that
// only grow and samples that Decide can check.
func FuzzParse(f *testing.F) {
	f.Add([]byte("tiershift_requests_total{namespace=\"n\",policy=\"p\",route=\"r\",tier=\"t\",outcome=\"cut\"} 3\n"))
	f.Add([]byte("# TYPE tiershift_quality_score histogram\ntiershift_quality_score_bucket{namespace=\"n\",policy=\"p\",route=\"r\",tier=\"t\",source=\"judge\",le=\"0.5\"} 1\n" +
		"tiershift_quality_score_bucket{namespace=\"n\",policy=\"p\",route=\"r\",tier=\"t\",source=\"judge\",le=\"+Inf\"} 2\ntiershift_quality_score_sum{namespace=\"n\",policy=\"p\",route=\"r\",tier=\"t\",source=\"judge\"} 1.2\n"))
	f.Add([]byte("process_start_time_seconds 1.7e9\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := parse(strings.NewReader(string(data)), &Selection{Namespace: "n", Policy: "p"}, epoch)
		if err != nil {
			return
		}
		for k, v := range r.counts {
			if !usable(v) {
				t.Errorf("%v counts %g", k, v)
			}
			for _, s := range r.counts.samples(k.route) {
				if s.Requests < 0 || s.Failed > s.Requests || s.Tier == "" {
					t.Errorf("%+v", s)
				}
			}
		}
	})
}
