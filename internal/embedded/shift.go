package embedded

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/metricsource"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/shifting"
)

// Shifter keeps the splits of the policy that a source serves. They live as long as
// the process: the next begins at the policy's safe start.
type Shifter struct {
	source *Source
	desk   *shifting.Desk
	// metrics is the URL of the router's own /metrics.
	metrics string
	now     func() time.Time
	log     *slog.Logger
}

// NewShifter returns the shifter for the source's policy, whose router is measured
// at the URL.
func NewShifter(source *Source, metrics string, log *slog.Logger) *Shifter {
	return &Shifter{source: source, desk: shifting.NewDesk(shifting.Options{}), metrics: metrics, now: source.options.Now, log: log}
}

// look is how often is looked whether a decision is due, or the manifests changed.
const look = time.Second

// Run decides as the policy asks for, until the context ends.
func (s *Shifter) Run(ctx context.Context) {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		s.Round(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// Round makes the decisions that are due. A changed split is served with the
// source's next version.
func (s *Shifter) Round(ctx context.Context) {
	policy, config := s.source.served()
	if config == nil || shifting.Idle(policy) {
		return
	}
	outcome := s.desk.Hold(ctx, shifting.Round{
		Policy: policy, Config: config, Now: s.now(), Targets: []metricsource.Target{{ID: "router", URL: s.metrics}},
	})
	if outcome.Faults != nil {
		s.log.Warn("not all could be measured", "error", outcome.Faults)
	}
	if outcome.Changed {
		s.source.setRoutes(outcome.Routes)
	}
	outcome.Kept()
	for i := range outcome.Decided {
		if d := &outcome.Decided[i]; d.Record != nil || d.News {
			s.log.Info("decided on traffic", "route", d.Route, "reason", d.Reason, "message", d.Message)
		}
	}
}

// Routes are the live splits and why they are so, as in status.routes.
func (s *Source) Routes() []v1alpha1.RouteStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.routes)
}

// served is the policy with its live splits, and the config that was last read; nil
// before there is one.
func (s *Source) served() (*v1alpha1.RoutingPolicy, *routerconfig.Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.policy == nil {
		return nil, nil
	}
	policy := s.policy.DeepCopy()
	policy.Status.Routes = slices.Clone(s.routes)
	return policy, s.config
}

func (s *Source) serve(policy *v1alpha1.RoutingPolicy, config *routerconfig.Config) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.policy != nil && (s.policy.Name != policy.Name || s.policy.Namespace != policy.Namespace) {
		s.routes = nil // of another policy
	}
	s.policy, s.config = policy, config
}

// setRoutes keeps the routes' status. What routers are to serve is another version.
func (s *Source) setRoutes(routes []v1alpha1.RouteStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.EqualFunc(s.routes, routes, routedAlike) {
		s.shifts++
	}
	s.routes = routes
}

func routedAlike(a, b v1alpha1.RouteStatus) bool {
	return a.Name == b.Name && equality.Semantic.DeepEqual(a.Split, b.Split) && equality.Semantic.DeepEqual(a.Models, b.Models)
}

// splitVersion counts how often splits changed.
func (s *Source) splitVersion() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shifts
}
