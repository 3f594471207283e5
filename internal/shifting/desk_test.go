package shifting_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/metricsource"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/shift"
	"github.com/tiershift/tiershift/internal/shifting"
)

const interval = 5 * time.Minute

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// router counts what the split placed, and says so on /metrics.
type router struct {
	mu     sync.Mutex
	counts map[[2]string]int // by route and tier
	down   bool
}

func (r *router) serve(route, tier string, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counts[[2]string{route, tier}] += n
}

func (r *router) setDown(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
}

func (r *router) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	for series, n := range r.counts {
		labels := fmt.Sprintf(`namespace="shop",policy="desk",route=%q,tier=%q,placed=%q`, series[0], series[1], series[1])
		fmt.Fprintf(w, "tiershift_requests_total{%s,outcome=\"success\"} %d\n", labels, n)
		fmt.Fprintf(w, "tiershift_cost_usd_total{%s} %g\n", labels, float64(n)*0.001)
	}
}

// world is a policy, its router, and a desk that keeps what it says.
type world struct {
	t      *testing.T
	router *router
	url    string
	desk   *shifting.Desk
	policy *v1alpha1.RoutingPolicy
	config *routerconfig.Config
	now    time.Time
	writes int
	last   shifting.Outcome
}

func newWorld(t *testing.T, routes ...v1alpha1.Route) *world {
	w := &world{
		t: t, router: &router{counts: map[[2]string]int{}}, desk: shifting.NewDesk(shifting.Options{}), now: noon,
		policy: &v1alpha1.RoutingPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "desk"}},
		config: &routerconfig.Config{
			Namespace: "shop", Policy: "desk", DefaultTier: "mid",
			Tiers: []routerconfig.Tier{{Name: "nano", Rank: 10}, {Name: "mid", Rank: 20}, {Name: "flagship", Rank: 30}},
		},
	}
	w.policy.Spec.Routes = routes
	for i := range routes {
		w.config.Routes = append(w.config.Routes, routerconfig.Route{Name: routes[i].Name, MinTier: string(routes[i].MinTier), MaxTier: string(routes[i].MaxTier)})
	}
	server := httptest.NewServer(w.router)
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

func shifts(name string, change func(*v1alpha1.Shift)) v1alpha1.Route {
	s := &v1alpha1.Shift{Mode: v1alpha1.ShiftAutomatic, Objectives: &v1alpha1.ShiftObjectives{MaxLatencyP95: &metav1.Duration{Duration: time.Second}}}
	if change != nil {
		change(s)
	}
	return v1alpha1.Route{Name: name, Shift: s}
}

// round holds one round, and keeps what came of it.
func (w *world) round() *world {
	w.t.Helper()
	w.last = w.desk.Hold(w.t.Context(), shifting.Round{
		Policy: w.policy, Config: w.config, Now: w.now, Targets: []metricsource.Target{{ID: "a", URL: w.url + "/metrics"}},
	})
	if w.last.Changed {
		w.writes++
		w.policy.Status.Routes = w.last.Routes
	}
	w.last.Kept()
	return w
}

// after lets time pass and holds a round.
func (w *world) after(wait time.Duration) *world {
	w.t.Helper()
	w.now = w.now.Add(wait)
	return w.round()
}

func (w *world) route(name string) *v1alpha1.RouteStatus {
	w.t.Helper()
	for i := range w.policy.Status.Routes {
		if w.policy.Status.Routes[i].Name == name {
			return &w.policy.Status.Routes[i]
		}
	}
	return nil
}

func (w *world) expect(route string, reason shift.Reason, message string) {
	w.t.Helper()
	for _, d := range w.last.Decided {
		if d.Route == route {
			if d.Reason != reason || !strings.Contains(d.Message, message) {
				w.t.Errorf("%s: %s, want %s with %q", d.Reason, d.Message, reason, message)
			}
			return
		}
	}
	w.t.Errorf("nothing was decided on %s, of %d decisions", route, len(w.last.Decided))
}

func TestARouteBeginsWhereItIsServedAndThenGoesByItsRouters(t *testing.T) {
	w := newWorld(t, shifts("chat", nil)).round()
	w.expect("chat", shift.ReasonInitial, "goes to mid")
	if s := w.route("chat"); len(s.Split) != 1 || s.Split[0].Tier != "mid" || s.Reason != "Initial" || w.last.Next != interval {
		t.Fatalf("%+v, next in %s", s, w.last.Next)
	}
	w.router.serve("chat", "mid", 1000)
	w.after(interval).expect("chat", shift.ReasonTooFewSamples, "")
	if s := w.route("chat"); s.Window == nil || s.Window.Requests != 1000 || s.Window.CostPerRequestUSD != "0.001000000" || s.Evidence == "" {
		t.Errorf("%+v", s.Window)
	}
}

func TestBetweenRoundsNothingIsMeasuredNorWritten(t *testing.T) {
	w := newWorld(t, shifts("chat", nil)).round()
	w.router.serve("chat", "mid", 1000)
	for range 4 {
		if w.after(time.Minute); w.last.Changed || len(w.last.Decided) > 0 || w.last.Next > interval {
			t.Fatalf("%+v", w.last)
		}
	}
	if w.after(time.Minute); w.writes != 2 {
		t.Errorf("%d writes", w.writes)
	}
}

func TestAShorterIntervalCountsFromTheEdit(t *testing.T) {
	w := newWorld(t, shifts("chat", nil)).round()
	w.router.serve("chat", "mid", 1000)
	w.policy.Spec.Routes[0].Shift.Interval = &metav1.Duration{Duration: time.Minute}
	if w.after(time.Second); w.last.Changed || w.last.Next != time.Minute {
		t.Fatalf("next in %s: %+v", w.last.Next, w.last)
	}
	if w.after(30 * time.Second); w.last.Changed || w.last.Next != 30*time.Second {
		t.Fatalf("another look puts it off to %s: %+v", w.last.Next, w.last)
	}
	w.after(30 * time.Second)
	if s := w.route("chat"); w.last.Next != time.Minute || s.Window == nil || s.Window.Requests != 1000 {
		t.Errorf("next in %s: %+v", w.last.Next, s.Window)
	}
}

func TestTimeThatPassesWithoutTrafficCostsNoWrite(t *testing.T) {
	w := newWorld(t, shifts("chat", nil)).round()
	w.router.serve("chat", "mid", 1000)
	w.after(interval).after(interval) // the second says that there is none
	writes := w.writes
	for range 10 {
		w.after(interval)
	}
	if w.writes != writes {
		t.Errorf("%d writes for nothing", w.writes-writes)
	}
	w.router.serve("chat", "mid", 300)
	if w.after(interval); w.route("chat").Window.Requests != 300 {
		t.Errorf("then %+v", w.route("chat").Window)
	}
}

func TestRoutesOfAPolicyAreDecidedTogether(t *testing.T) {
	w := newWorld(t, shifts("chat", nil)).round()
	more := newWorld(t, shifts("chat", nil), shifts("mail", nil))
	w.after(2 * time.Minute)
	w.policy.Spec.Routes, w.config.Routes = more.policy.Spec.Routes, more.config.Routes
	w.round().expect("mail", shift.ReasonInitial, "")
	writes := w.writes
	for range 15 { // three intervals
		w.router.serve("chat", "mid", 10)
		w.router.serve("mail", "mid", 10)
		w.after(time.Minute)
	}
	if w.writes-writes != 3 {
		t.Errorf("%d writes in three intervals", w.writes-writes)
	}
}

func TestWhatIsNotKeptIsMeasuredAgain(t *testing.T) {
	w := newWorld(t, shifts("chat", nil)).round()
	w.router.serve("chat", "mid", 400)
	lost := w.desk.Hold(t.Context(), shifting.Round{
		Policy: w.policy, Config: w.config, Now: w.now.Add(interval), Targets: []metricsource.Target{{ID: "a", URL: w.url + "/metrics"}},
	})
	if !lost.Changed || lost.Routes[0].Window.Requests != 400 {
		t.Fatalf("%+v", lost)
	}
	w.router.serve("chat", "mid", 100) // the write failed: the same window, and what came since
	if w.after(interval + time.Second); w.route("chat").Window.Requests != 500 {
		t.Errorf("%+v", w.route("chat").Window)
	}
}

func TestARestartHoldsTheSplitAndMeasuresAnew(t *testing.T) {
	w := newWorld(t, shifts("chat", nil)).round()
	w.router.serve("chat", "mid", 1000)
	w.after(interval)
	w.policy.Status.Routes[0].Split = []v1alpha1.TierShare{{Tier: "nano", Percent: 30}, {Tier: "mid", Percent: 70}}
	evidence := w.route("chat").Evidence
	w.desk = shifting.NewDesk(shifting.Options{})
	w.router.serve("chat", "mid", 7777) // while nobody looked
	if w.after(time.Hour); len(w.last.Decided) > 0 || w.route("chat").Evidence != evidence || w.route("chat").Split[0].Percent != 30 {
		t.Fatalf("%+v", w.last)
	}
	w.router.serve("chat", "mid", 50)
	if w.after(interval); w.route("chat").Window.Requests != 50 || w.route("chat").Split[0].Percent != 30 {
		t.Errorf("%+v", w.route("chat"))
	}
}

// The leader before had a clock that was far ahead, and so are its decisions.
func TestDecisionsOfAClockThatWasAheadCostOneWriteAndAreOverOnceTheClockIsThere(t *testing.T) {
	w := newWorld(t, shifts("chat", nil)).round()
	w.router.serve("chat", "mid", 1000)
	w.after(interval)
	writes := w.writes
	w.desk = shifting.NewDesk(shifting.Options{})
	w.after(-5*interval).after(interval).expect("chat", shift.ReasonCounted, "")
	if w.writes-writes != 1 {
		t.Fatalf("%d writes", w.writes-writes)
	}
	for range 3 {
		w.router.serve("chat", "mid", 100)
		if w.after(interval).expect("chat", shift.ReasonCounted, ""); w.writes-writes != 1 {
			t.Fatalf("%d writes to say it", w.writes-writes)
		}
	}
	w.router.serve("chat", "mid", 400)
	w.after(interval).after(interval) // reaches back to before what was counted
	w.router.serve("chat", "mid", 300)
	if w.after(interval).expect("chat", shift.ReasonTooFewSamples, ""); w.route("chat").Window.Requests != 300 || w.writes-writes != 2 {
		t.Errorf("%+v after %d writes", w.route("chat").Window, w.writes-writes)
	}
}

func TestALostStatusIsTheSafeStart(t *testing.T) {
	w := newWorld(t, shifts("chat", nil)).round()
	w.policy.Status.Routes[0].Split = []v1alpha1.TierShare{{Tier: "nano", Percent: 100}}
	w.policy.Status.Routes = nil
	w.after(time.Second).expect("chat", shift.ReasonInitial, "mid")
}

func TestEvidenceThatCannotBeReadCountsAsLost(t *testing.T) {
	w := newWorld(t, shifts("chat", nil)).round()
	w.policy.Status.Routes[0].Evidence = `{"v":7}`
	w.router.serve("chat", "mid", 1000)
	w.after(interval)
	if w.last.Faults == nil || !strings.Contains(w.last.Faults.Error(), "status.routes[chat].evidence is of version 7") || w.route("chat").Evidence == `{"v":7}` {
		t.Errorf("%v, %s", w.last.Faults, w.route("chat").Evidence)
	}
}

func TestARouterThatDoesNotAnswerHoldsTheSplit(t *testing.T) {
	w := newWorld(t, shifts("chat", nil)).round()
	w.router.serve("chat", "mid", 1000)
	w.after(interval)
	w.router.setDown(true)
	w.after(interval).expect("chat", shift.ReasonMetricsUnavailable, "only 0 of 1 routers answered")
	if !w.last.Decided[0].News || w.route("chat").Reason != "MetricsUnavailable" || w.last.Faults == nil {
		t.Errorf("%+v", w.route("chat"))
	}
	writes := w.writes
	if w.after(interval).after(interval); w.writes != writes || w.last.Decided[0].News {
		t.Errorf("%d more writes", w.writes-writes)
	}
	w.router.setDown(false)
	w.router.serve("chat", "mid", 500)
	w.after(interval)
	if w.router.serve("chat", "mid", 20); w.after(interval).route("chat").Reason == "MetricsUnavailable" {
		t.Errorf("the outage does not end: %s", w.route("chat").Message)
	}
}

func TestAPrometheusThatFailsHoldsTheSplitAndIsAskedAgain(t *testing.T) {
	w := newWorld(t, shifts("chat", func(s *v1alpha1.Shift) {
		s.Metrics = &v1alpha1.ShiftMetrics{Source: v1alpha1.MetricsPrometheus, Prometheus: &v1alpha1.PrometheusSource{URL: "http://127.0.0.1:1"}}
	})).round()
	w.after(interval).expect("chat", shift.ReasonMetricsUnavailable, "Prometheus at http://127.0.0.1:1")
	writes := w.writes
	if w.after(interval).expect("chat", shift.ReasonMetricsUnavailable, ""); w.writes != writes || w.last.Next != interval {
		t.Errorf("%d more writes, next in %s", w.writes-writes, w.last.Next)
	}
}

func TestWhatDoesNotShiftHasNoStatusAndOffKeepsIt(t *testing.T) {
	off := func(s *v1alpha1.Shift) { s.Mode = v1alpha1.ShiftOff }
	w := newWorld(t, shifts("chat", nil), shifts("off", off), v1alpha1.Route{Name: "pinned", Tier: "nano", Shift: shifts("", nil).Shift}, v1alpha1.Route{Name: "plain"}).round()
	if len(w.policy.Status.Routes) != 1 {
		t.Fatalf("%+v", w.policy.Status.Routes)
	}
	w.policy.Status.Routes[0].Split = []v1alpha1.TierShare{{Tier: "nano", Percent: 30}, {Tier: "mid", Percent: 70}}

	w.policy.Spec.Routes[0] = shifts("chat", off)
	if w.after(interval); w.last.Changed || w.last.Next != 0 || w.route("chat").Split[0].Percent != 30 {
		t.Errorf("Off: %+v", w.last)
	}
	w.policy.Spec.Routes[0].Shift = nil
	if w.after(interval); len(w.policy.Status.Routes) != 0 || w.last.Next != 0 {
		t.Errorf("without shift: %+v", w.policy.Status.Routes)
	}
	if !shifting.Idle(w.policy) {
		t.Error("a policy that shifts nothing is not idle")
	}
}

func TestASuspendedPolicyIsLeftAlone(t *testing.T) {
	w := newWorld(t, shifts("chat", nil)).round()
	w.policy.Spec.Suspend = true
	w.router.serve("chat", "mid", 1000)
	if w.after(interval); w.last.Changed || len(w.last.Decided) > 0 || w.last.Next != 0 {
		t.Errorf("%+v", w.last)
	}
	w.policy.Spec.Suspend = false
	if w.after(interval); w.last.Next != interval || w.last.Changed { // where the counters stand is learned anew
		t.Errorf("%+v", w.last)
	}
}

func TestATierThatMayNoLongerAnswerReturnsTheRouteToItsStart(t *testing.T) {
	w := newWorld(t, shifts("chat", nil)).round()
	w.policy.Status.Routes[0].Split = []v1alpha1.TierShare{{Tier: "nano", Percent: 30}, {Tier: "mid", Percent: 70}}
	w.config.Routes[0].MinTier = "mid"
	w.after(interval).expect("chat", shift.ReasonInitial, "does not fit")
}

func TestSettingsThatCannotBeReadAreRefused(t *testing.T) {
	w := newWorld(t, shifts("chat", func(s *v1alpha1.Shift) { s.Objectives.MinQuality = "high" })).round()
	w.expect("chat", shift.ReasonInvalid, "minQuality")
	if w.last.Faults == nil || !strings.Contains(w.last.Faults.Error(), `"high"`) {
		t.Error(w.last.Faults)
	}
}
