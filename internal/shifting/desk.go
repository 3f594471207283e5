package shifting

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/metricsource"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/shift"
)

// Options say how is measured.
type Options struct {
	// Routers is the client that scrapes routers; nil: http.DefaultClient.
	Routers *http.Client
	// Prometheus is the transport to Prometheus; nil: http.DefaultTransport.
	Prometheus http.RoundTripper
}

// Desk makes the decisions on one policy. It keeps between them where the routers'
// counters stood, and nothing that a desk elsewhere could not begin without. It is
// for one caller at a time.
type Desk struct {
	options Options
	scrape  *metricsource.Scrape
	// next is when the next round is due.
	next       time.Time
	prometheus map[string]*metricsource.Prometheus
}

// NewDesk returns a desk that has measured nothing.
func NewDesk(options Options) *Desk {
	return &Desk{options: options, prometheus: map[string]*metricsource.Prometheus{}}
}

// Round is what there is to decide on.
type Round struct {
	// Policy has the status that was last kept.
	Policy *v1alpha1.RoutingPolicy
	// Config is what the policy's routers are given.
	Config *routerconfig.Config
	// Targets are the routers.
	Targets []metricsource.Target
	// Pressure is what the budget asks for.
	Pressure shift.Pressure
	Now      time.Time
}

// Outcome is what came of a round.
type Outcome struct {
	// Routes are the policy's status.routes as they are to be, and Changed is
	// whether they have to be kept.
	Routes  []v1alpha1.RouteStatus
	Changed bool
	// Decided are the decisions of this round.
	Decided []Decided
	// Faults are what went wrong on the way and is not told by any decision.
	Faults error
	// Next is how long to wait; 0: until something changes.
	Next time.Duration

	commit func()
}

// Decided is a decision on a route.
type Decided struct {
	Route string
	shift.Decision
	// News is true when its reason is not that of the decision before.
	News bool
}

// Kept is called when the outcome's routes are kept where the next round finds
// them. Without it the round counts as not held.
func (o *Outcome) Kept() { o.commit() }

// Idle is whether the policy has nothing that shifts, nor a status that tells of
// it.
func Idle(policy *v1alpha1.RoutingPolicy) bool {
	if len(policy.Status.Routes) > 0 {
		return false
	}
	return !slices.ContainsFunc(policy.Spec.Routes, func(r v1alpha1.Route) bool {
		resolved := v1alpha1.ResolveShift(policy.Spec.Shift, r.Shift)
		return r.Tier == "" && v1alpha1.Shifts(&resolved) && resolved.Mode != v1alpha1.ShiftOff
	})
}

// Hold decides on the routes that are due.
func (d *Desk) Hold(ctx context.Context, in Round) Outcome {
	h := holding{desk: d, in: &in, routes: routesOf(in.Policy, in.Config), begun: map[string]bool{}}
	h.due = !in.Now.Before(d.next)
	if h.due {
		h.measure(ctx)
	}
	for i := range h.routes {
		h.decide(ctx, &h.routes[i])
	}
	out := h.out
	out.Changed = out.Changed || len(out.Routes) != len(in.Policy.Status.Routes) || !sameNames(out.Routes, in.Policy.Status.Routes)
	out.Faults = errors.Join(h.faults...)
	next := h.nextRound()
	if !next.IsZero() {
		out.Next = max(next.Sub(in.Now), time.Millisecond)
	}
	out.commit = func() { h.keep(next) }
	return out
}

func sameNames(a, b []v1alpha1.RouteStatus) bool {
	return slices.EqualFunc(a, b, func(x, y v1alpha1.RouteStatus) bool { return x.Name == y.Name })
}

// holding is a round that is held.
type holding struct {
	desk   *Desk
	in     *Round
	routes []route
	// due is whether the round's time has come; routes without a split do not wait
	// for it.
	due bool
	// fresh is whether the routers' counters were read for the first time, so that
	// there is nothing yet to compare them with.
	fresh bool
	// begun are the routes whose window is used up.
	begun  map[string]bool
	faults []error
	out    Outcome
}

// measure reads the routers' counters, if any route goes by them.
func (h *holding) measure(ctx context.Context) {
	scraped := func(r route) bool { return r.active() && r.metrics.Source == v1alpha1.MetricsScrape }
	if !slices.ContainsFunc(h.routes, scraped) {
		h.desk.scrape = nil
		return
	}
	if h.desk.scrape == nil {
		h.fresh = true
		h.desk.scrape = metricsource.NewScrape(metricsource.ScrapeOptions{Selection: h.selection(), Client: h.desk.options.Routers})
	}
	if err := h.desk.scrape.Collect(ctx, h.in.Targets, h.in.Now); err != nil {
		h.faults = append(h.faults, err)
	}
}

func (h *holding) selection() metricsource.Selection {
	return metricsource.Selection{Namespace: h.in.Config.Namespace, Policy: h.in.Config.Policy}
}

// decide adds the route's status, with a decision if one is due.
func (h *holding) decide(ctx context.Context, r *route) {
	if r.fault != nil {
		h.faults = append(h.faults, r.fault)
	}
	if !r.active() || !h.isDue(r) {
		h.out.Routes = append(h.out.Routes, r.status)
		return
	}
	r.input.Now, r.input.Pressure = h.in.Now, h.in.Pressure
	if h.due {
		r.input.Window = h.window(ctx, r)
	}
	d := shift.Decide(r.input)
	after := statusAfter(&r.status, &d)
	h.out.Decided = append(h.out.Decided, Decided{Route: r.input.Route, Decision: d, News: after.Reason != r.status.Reason})
	worth := worthKeeping(&r.status, &after, &d)
	if !worth {
		after = r.status
	}
	h.out.Changed = h.out.Changed || !equality.Semantic.DeepEqual(after, r.status)
	// A window with a fault never loses it, and one that begins before what was counted
	// never gets past that.
	h.begun[r.input.Route] = worth || r.input.Window.Fault != "" || d.Reason == shift.ReasonCounted
	h.out.Routes = append(h.out.Routes, after)
}

// isDue is whether to decide on the route now. A round takes along what would be due
// soon, so that a policy is not written more often than its shortest interval asks
// for.
func (h *holding) isDue(r *route) bool {
	if len(r.input.Split) == 0 {
		return true
	}
	if !h.due || h.fresh && r.metrics.Source == v1alpha1.MetricsScrape {
		return false
	}
	return shift.Due(&r.input.State, &r.input.Settings, h.in.Now) <= h.shortest()/2
}

// shortest is the least interval of the routes that shift; 0: none does.
func (h *holding) shortest() time.Duration {
	least := time.Duration(0)
	for i := range h.routes {
		if r := &h.routes[i]; r.active() && (least == 0 || r.input.Settings.Interval < least) {
			least = max(r.input.Settings.Interval, time.Second)
		}
	}
	return least
}

// longestWindow bounds what is asked of a Prometheus after a long time without
// decisions.
const longestWindow = 24 * time.Hour

func (h *holding) window(ctx context.Context, r *route) shift.Window {
	if r.metrics.Source == v1alpha1.MetricsScrape {
		return h.desk.scrape.Window(r.input.Route)
	}
	end, start := h.in.Now, r.input.State.Through
	if start.IsZero() || !start.Before(end) {
		start = end.Add(-r.input.Settings.Interval)
	}
	if end.Sub(start) > longestWindow {
		start = end.Add(-longestWindow)
	}
	source, err := h.prometheus(r.metrics.Prometheus)
	if err != nil {
		return shift.Window{Start: start, End: end, Fault: err.Error()}
	}
	return source.Window(ctx, r.input.Route, start, end)
}

func (h *holding) prometheus(where *v1alpha1.PrometheusSource) (*metricsource.Prometheus, error) {
	if where == nil || where.URL == "" {
		return nil, errors.New("shift.metrics.prometheus.url is not set")
	}
	if known := h.desk.prometheus[where.URL]; known != nil {
		return known, nil
	}
	source, err := metricsource.NewPrometheus(metricsource.PrometheusOptions{
		Selection: h.selection(), URL: where.URL, Transport: h.desk.options.Prometheus,
	})
	if err == nil {
		h.desk.prometheus = map[string]*metricsource.Prometheus{where.URL: source} // one is enough, and an edit leaves none behind
	}
	return source, err
}

// nextRound is when the next round is due; zero: nothing shifts.
func (h *holding) nextRound() time.Time {
	shortest := h.shortest()
	if shortest == 0 {
		return time.Time{}
	}
	if !h.due { // an interval that became shorter is not waited for as it was
		return earlier(h.desk.next, h.in.Now.Add(shortest))
	}
	wait := shortest
	for i := range h.routes {
		r := &h.routes[i]
		if r.active() && !h.fresh && !h.decided(r.input.Route) {
			wait = min(wait, shift.Due(&r.input.State, &r.input.Settings, h.in.Now))
		}
	}
	return h.in.Now.Add(wait)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func (h *holding) decided(route string) bool {
	return slices.ContainsFunc(h.out.Decided, func(d Decided) bool { return d.Route == route })
}

// keep begins the next windows.
func (h *holding) keep(next time.Time) {
	h.desk.next = next
	if h.desk.scrape == nil || !h.due {
		return
	}
	names := map[string]bool{}
	for i := range h.routes {
		names[h.routes[i].input.Route] = true
	}
	h.desk.scrape.Keep(names)
	for name, used := range h.begun {
		if used {
			h.desk.scrape.Begin(name)
		}
	}
}
