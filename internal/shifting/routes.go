package shifting

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/shift"
)

// route is a route that shifts.
type route struct {
	// status is as it was last kept; only the name is set when there is none.
	status v1alpha1.RouteStatus
	// input lacks the time and the window.
	input   shift.Input
	metrics v1alpha1.ShiftMetrics
	// fault is why the evidence of the status could not be read; it then counts as
	// lost.
	fault error
}

// active is whether decisions are made on the route. The status of others stays as
// it is.
func (r *route) active() bool {
	return !r.input.Suspended && r.input.Settings.Mode != v1alpha1.ShiftOff
}

// routesOf are the routes of the policy that shift, or did and are Off, in the
// order in which they are tried, as the config that routers are given bounds them.
func routesOf(policy *v1alpha1.RoutingPolicy, config *routerconfig.Config) []route {
	var out []route
	for i := range policy.Spec.Routes {
		spec := &policy.Spec.Routes[i]
		at := slices.IndexFunc(config.Routes, func(r routerconfig.Route) bool { return r.Name == spec.Name })
		resolved := v1alpha1.ResolveShift(policy.Spec.Shift, spec.Shift)
		if at < 0 || spec.Tier != "" || !v1alpha1.Shifts(&resolved) {
			continue
		}
		r := newRoute(policy, config, &config.Routes[at], &resolved)
		if r.active() || r.status.Split != nil {
			out = append(out, r)
		}
	}
	return out
}

func newRoute(policy *v1alpha1.RoutingPolicy, config *routerconfig.Config, compiled *routerconfig.Route, resolved *v1alpha1.Shift) route {
	r := route{status: v1alpha1.RouteStatus{Name: compiled.Name}, metrics: *resolved.Metrics}
	for i := range policy.Status.Routes {
		if policy.Status.Routes[i].Name == compiled.Name {
			r.status = policy.Status.Routes[i]
		}
	}
	settings, err := shift.NewSettings(*resolved)
	if err != nil {
		settings.MinQuality, r.fault = math.NaN(), err // which Decide refuses
	}
	r.input = shift.Input{
		Route: compiled.Name, Settings: settings, Suspended: policy.Spec.Suspend,
		Split: r.status.Split, Recommended: r.status.Recommended, Models: r.status.Models, Shifts: r.status.Shifts,
	}
	if r.input.State, err = shift.DecodeState(r.status.Evidence); err != nil {
		r.fault = fmt.Errorf("status.routes[%s].evidence %w", compiled.Name, err)
	}
	r.input.Tiers, r.input.Initial = tiersOf(config, compiled)
	return r
}

// tiersOf are the tiers that may answer on the route, and the one that serves what
// classification leaves undecided when there is no split.
func tiersOf(config *routerconfig.Config, r *routerconfig.Route) (tiers []shift.Tier, initial string) {
	low, high := max(config.TierIndex(r.MinTier), 0), len(config.Tiers)-1
	if at := config.TierIndex(r.MaxTier); at >= 0 {
		high = at
	}
	start := config.TierIndex(config.DefaultTier)
	if at := config.TierIndex(config.Classification.LowConfidenceTier); at >= 0 {
		start = at
	}
	if r.Unavailable != "" || low > high {
		return nil, ""
	}
	for i := low; i <= high; i++ {
		tiers = append(tiers, tierOf(config, &config.Tiers[i]))
	}
	return tiers, config.Tiers[min(max(start, low), high)].Name
}

// tierOf identifies what is in the tier: its models, at which providers. A price or
// a weight that changes says nothing of what the models can do.
func tierOf(config *routerconfig.Config, t *routerconfig.Tier) shift.Tier {
	out := shift.Tier{Name: t.Name}
	for i := range t.Models {
		m := shift.Model{Name: t.Models[i].Name, Provider: config.ProviderKind(t.Models[i].Provider)}
		if !slices.Contains(out.Models, m) {
			out.Models = append(out.Models, m)
		}
	}
	slices.SortFunc(out.Models, shift.Model.Compare)
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", out.Models))
	out.Revision = hex.EncodeToString(sum[:4])
	return out
}
