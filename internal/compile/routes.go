package compile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

func (c *compiler) compileRoutes() {
	for i := range c.policy.Spec.Routes {
		c.config.Routes = append(c.config.Routes, c.route(fmt.Sprintf("spec.routes[%d]", i), &c.policy.Spec.Routes[i]))
	}
}

func (c *compiler) route(at string, r *v1alpha1.Route) routerconfig.Route {
	c.checkExpression(at+".match.expression", r.Match.Expression)
	out := routerconfig.Route{
		Name: r.Name,
		Match: routerconfig.Match{
			Paths: slices.Clone(r.Match.Paths), ModelNames: slices.Clone(r.Match.ModelNames),
			Headers: lowerNames(sortedPairs(r.Match.Headers)), Metadata: sortedPairs(r.Match.Metadata),
			Prompt: promptMatch(r.Match.Prompt), Expression: r.Match.Expression,
		},
		MaxOutputTokens: deref(r.MaxOutputTokens, 0),
		Validate:        c.validate(at+".validate", r.Validate),
	}
	if len(c.config.Tiers) == 0 {
		return out
	}
	c.bounds(at, r, &out)
	if out.Unavailable != "" {
		out.Tier, out.MinTier, out.MaxTier = "", "", ""
		return out
	}
	if status := c.shifting(r); status != nil {
		out.Split = c.split(status, &out)
		out.Models = c.modelShares(status, &out)
	}
	out.Judge = c.judge(at+".quality", r.Quality)
	return out
}

// bounds resolves the tiers that the route names. A pin or a floor that cannot
// be used is moved up, a ceiling down; what cannot be placed closes the route,
// since serving it elsewhere is what the bound forbids.
func (c *compiler) bounds(at string, r *v1alpha1.Route, out *routerconfig.Route) {
	out.Tier = c.bound(at+".tier", string(r.Tier), out, c.atLeast)
	out.MinTier = c.bound(at+".minTier", string(r.MinTier), out, c.atLeast)
	out.MaxTier = c.bound(at+".maxTier", string(r.MaxTier), out, c.atMost)
	if c.conflict(at, r) {
		out.MinTier, out.MaxTier = "", ""
		return
	}
	low, high := c.config.TierIndex(out.MinTier), c.config.TierIndex(out.MaxTier)
	if low >= 0 && high >= 0 && low > high {
		c.policyProblem(SeverityDegraded, at, v1alpha1.ReasonTierNotReady,
			"no tier from minTier %s to maxTier %s has a usable model, so requests on route %s are refused until one has", r.MinTier, r.MaxTier, r.Name)
		out.Unavailable = fmt.Sprintf("no tier from %s to %s can be used", r.MinTier, r.MaxTier)
	}
}

// conflict holds when the floor ranks above the ceiling, whether or not the two
// can be used.
func (c *compiler) conflict(at string, r *v1alpha1.Route) bool {
	low, lowExists := c.ranks[string(r.MinTier)]
	high, highExists := c.ranks[string(r.MaxTier)]
	if !lowExists || !highExists || compareRank(low, high, string(r.MinTier), string(r.MaxTier)) <= 0 {
		return false
	}
	c.policyProblem(SeverityError, at, v1alpha1.ReasonConflictingTiers,
		"minTier %s (rank %d) ranks above maxTier %s (rank %d), so that no tier could serve the route: raise maxTier or lower minTier",
		r.MinTier, low, r.MaxTier, high)
	return true
}

func (c *compiler) bound(field, name string, out *routerconfig.Route, find func(string) (string, bool)) string {
	if name == "" {
		return ""
	}
	usable, ok := find(name)
	if ok {
		c.noteStandIn(field, name, usable)
		return usable
	}
	u := c.unusable(name)
	c.policyProblem(SeverityDegraded, field, u.reason,
		"%s and no other tier may answer in its place, so requests on route %s are refused%s", u.why, out.Name, u.remedy)
	out.Unavailable = cmp.Or(out.Unavailable, fmt.Sprintf("tier %s cannot be used and no other may answer in its place", name))
	return ""
}

// shifting is the status of a route that shifts, or did and is Off: that keeps the
// split as it is. nil: the route has no split of its own, or not yet.
func (c *compiler) shifting(r *v1alpha1.Route) *v1alpha1.RouteStatus {
	resolved := v1alpha1.ResolveShift(c.policy.Spec.Shift, r.Shift)
	i := slices.IndexFunc(c.policy.Status.Routes, func(s v1alpha1.RouteStatus) bool { return s.Name == r.Name })
	if i < 0 || r.Tier != "" || !v1alpha1.Shifts(&resolved) {
		return nil
	}
	return &c.policy.Status.Routes[i]
}

// split is the live split of the status, if it still fits the route: every tier
// that has a share is usable and within the bounds. Otherwise the route returns to
// its safe start rather than to something nobody decided.
func (c *compiler) split(status *v1alpha1.RouteStatus, r *routerconfig.Route) []routerconfig.Share {
	shares := make([]routerconfig.Share, len(c.config.Tiers))
	sum := int32(0)
	for _, s := range status.Split {
		if s.Percent == 0 {
			continue
		}
		at := c.config.TierIndex(s.Tier)
		if s.Percent < 0 || s.Percent > 100 || !c.within(at, r) || shares[at].Percent > 0 {
			return nil
		}
		shares[at] = routerconfig.Share{Tier: s.Tier, Percent: s.Percent}
		sum += s.Percent
	}
	if sum != 100 {
		return nil
	}
	return slices.DeleteFunc(shares, func(s routerconfig.Share) bool { return s.Percent == 0 })
}

// modelShares are those of the status whose tier may answer on the route and still
// has just these models; the tier's selection takes over where they are dropped.
func (c *compiler) modelShares(status *v1alpha1.RouteStatus, r *routerconfig.Route) []routerconfig.ModelShare {
	var out []routerconfig.ModelShare
	for i := range c.config.Tiers {
		var shares []routerconfig.ModelShare
		sum, fits := int32(0), c.within(i, r)
		for _, s := range status.Models {
			if s.Tier != c.config.Tiers[i].Name {
				continue
			}
			fits = fits && s.Percent >= 0 && s.Percent <= 100 && c.config.HasModel(i, s.Model, string(s.Provider))
			shares = append(shares, routerconfig.ModelShare{Tier: s.Tier, Model: s.Model, Provider: string(s.Provider), Percent: s.Percent})
			sum += s.Percent
		}
		slices.SortFunc(shares, func(a, b routerconfig.ModelShare) int {
			return cmp.Or(strings.Compare(a.Model, b.Model), strings.Compare(a.Provider, b.Provider))
		})
		if fits && sum == 100 && len(shares) == len(slices.CompactFunc(slices.Clone(shares), sameModel)) {
			out = append(out, shares...)
		}
	}
	return out
}

func sameModel(a, b routerconfig.ModelShare) bool {
	return a.Model == b.Model && a.Provider == b.Provider
}

// within holds when the tier at that position lies within the route's bounds.
func (c *compiler) within(at int, r *routerconfig.Route) bool {
	return at >= max(c.config.TierIndex(r.MinTier), 0) && (r.MaxTier == "" || at <= c.config.TierIndex(r.MaxTier))
}

func lowerNames(pairs []routerconfig.KeyValue) []routerconfig.KeyValue {
	for i := range pairs {
		pairs[i].Name = strings.ToLower(pairs[i].Name)
	}
	slices.SortStableFunc(pairs, func(a, b routerconfig.KeyValue) int { return cmp.Compare(a.Name, b.Name) })
	return pairs
}

func promptMatch(m *v1alpha1.PromptMatch) routerconfig.PromptMatch {
	if m == nil {
		return routerconfig.PromptMatch{}
	}
	return routerconfig.PromptMatch{
		MinTokens: deref(m.MinTokens, 0), MaxTokens: deref(m.MaxTokens, 0),
		Keywords: slices.Clone(m.Keywords), Pattern: m.Pattern, HasCode: m.HasCode,
	}
}
