package metricsource

import (
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tiershift/tiershift/internal/shift"
	"github.com/tiershift/tiershift/internal/testprometheus"
)

func newTestPrometheus(t *testing.T, url string) *Prometheus {
	t.Helper()
	p, err := NewPrometheus(PrometheusOptions{Selection: Selection{Namespace: "default", Policy: "support"}, URL: url})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// answers is a Prometheus that answers by what the query begins with.
func answers(t *testing.T, byMetric map[string]string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.FormValue("query")
		result, warnings := "", ""
		for metric, answer := range byMetric {
			if strings.Contains(query, metric+"{") {
				result = answer
			}
		}
		if strings.HasPrefix(result, "warning") {
			result, warnings = "", `"warnings":["a store is away"],`
		}
		w.Header().Set("Content-Type", "application/json")
		if strings.HasPrefix(result, "{\"status\"") {
			w.WriteHeader(http.StatusUnprocessableEntity)
			fmt.Fprint(w, result)
			return
		}
		fmt.Fprintf(w, `{"status":"success",%s"data":{"resultType":"vector","result":[%s]}}`, warnings, result)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func vector(labels, value string) string {
	return fmt.Sprintf(`{"metric":{%s},"value":[1777636800,%q]}`, labels, value)
}

func TestWhatPrometheusMaySayThatIsNoMeasurement(t *testing.T) {
	here := vector("", "2")
	for name, c := range map[string]struct {
		answers map[string]string
		fault   string
	}{
		"it scrapes no router":     {map[string]string{}, "let it scrape the routers"},
		"it answers in part":       {map[string]string{"tiershift_config_info": here, "tiershift_cost_usd_total": "warning"}, "answered in part: a store is away"},
		"NaN":                      {map[string]string{"tiershift_config_info": here, "tiershift_cost_usd_total": vector(`"tier":"nano"`, "NaN")}, "increased by NaN"},
		"infinity":                 {map[string]string{"tiershift_config_info": here, "tiershift_cost_usd_total": vector(`"tier":"nano"`, "+Inf")}, "increased by +Inf"},
		"a bucket without a bound": {map[string]string{"tiershift_config_info": here, "tiershift_quality_score_bucket": vector(`"tier":"nano"`, "1")}, `le=""`},
		"an error":                 {map[string]string{"tiershift_config_info": `{"status":"error","errorType":"execution","error":"too many samples"}`}, "too many samples"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTestPrometheus(t, answers(t, c.answers)).Window(t.Context(), "chat", clockAt(0), clockAt(5))
			if !strings.Contains(w.Fault, c.fault) || len(w.Samples) > 0 {
				t.Errorf("%+v, want fault %s", w, c.fault)
			}
		})
	}
	t.Run("nobody answers", func(t *testing.T) {
		if w := newTestPrometheus(t, "http://127.0.0.1:1").Window(t.Context(), "chat", clockAt(0), clockAt(5)); !strings.Contains(w.Fault, "refused") {
			t.Errorf("%+v", w)
		}
	})
	t.Run("an empty window", func(t *testing.T) {
		if w := newTestPrometheus(t, "http://127.0.0.1:1").Window(t.Context(), "chat", clockAt(0), clockAt(0)); !strings.Contains(w.Fault, "empty") {
			t.Errorf("%+v", w)
		}
	})
	t.Run("no URL", func(t *testing.T) {
		if _, err := NewPrometheus(PrometheusOptions{URL: "http://[::1"}); err == nil || !strings.Contains(err.Error(), "prometheus.url") {
			t.Error(err)
		}
	})
}

func TestNoTrafficIsNoFault(t *testing.T) {
	w := newTestPrometheus(t, answers(t, map[string]string{"tiershift_config_info": vector("", "2")})).Window(t.Context(), "chat", clockAt(0), clockAt(5))
	if w.Fault != "" || len(w.Samples) != 0 {
		t.Errorf("%+v", w)
	}
}

// A real Prometheus scrapes two routers, and answers for them what they counted.
func TestARealPrometheusMeasuresWhatRoutersCounted(t *testing.T) {
	binary, err := testprometheus.Find()
	if err != nil {
		t.Skip(err)
	}
	a, b := newReplica(t, time.Now()), newReplica(t, time.Now())
	a.serve("nano", 1) // increase sees what a series gains after its first scrape
	b.serve("nano", 1)
	b.serve("mid", 1)
	url := startPrometheus(t, binary, a, b)
	p := newTestPrometheus(t, url)
	await(t, "the first scrapes", func() bool {
		v, err := p.query(t.Context(), `count(tiershift_requests_total)`, time.Now())
		return err == nil && len(v) == 1 && v[0].Value >= 6
	})
	time.Sleep(1500 * time.Millisecond) // one more scrape at rest
	for range 10 {
		a.serve("nano", 39)
		b.serve("nano", 59)
		b.serve("mid", 9)
		time.Sleep(500 * time.Millisecond)
	}
	time.Sleep(2 * time.Second)
	var w shift.Window
	await(t, "the counts", func() bool {
		end := time.Now()
		w = p.Window(t.Context(), "chat", end.Add(-30*time.Second), end)
		return w.Fault == "" && len(w.Samples) == 2 && w.Samples[1].Requests > 900
	})
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 0.25*want { // increase extrapolates to the window's ends
			t.Errorf("%s: %g, want about %g", what, got, want)
		}
	}
	mid, nano := w.Samples[0], w.Samples[1]
	judge := nano.Scores[shift.SourceJudge]
	near("nano's requests", nano.Requests, 1000)
	near("nano's failures", nano.Failed, 20)
	near("nano's cost", nano.CostUSD, 0.98)
	near("nano's scores", judge.Count(), 980)
	near("nano's mean score", judge.Sum/judge.Count(), 0.75)
	near("nano's durations", nano.Durations.Count(), 1000)
	near("mid's requests", mid.Requests, 100)
	decision := shift.Decide(shift.Input{
		Now: w.End, Route: "chat", Initial: "mid", Window: w, Tiers: []shift.Tier{{Name: "nano"}, {Name: "mid"}},
		Settings: shift.Settings{Mode: "Automatic", Interval: 30 * time.Second, StepPercent: 10, MinSamples: 200, MinQuality: 0.5},
		Split:    nil,
	})
	if decision.Reason != shift.ReasonInitial {
		t.Errorf("%s: %s", decision.Reason, decision.Message)
	}
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !holds(); time.Sleep(300 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func startPrometheus(t *testing.T, binary string, replicas ...*replica) string {
	t.Helper()
	var targets []string
	for _, r := range replicas {
		targets = append(targets, strings.TrimPrefix(r.URL, "http://"))
	}
	url, stop, err := testprometheus.Start(binary, t.TempDir(), time.Second, targets...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if log := stop(); t.Failed() {
			t.Log(log)
		}
	})
	return url
}
