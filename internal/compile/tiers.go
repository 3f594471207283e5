package compile

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// compileTiers compiles the tiers that can be used, in ascending rank, and with
// them the providers that their models need.
func (c *compiler) compileTiers() {
	for i, ref := range c.policy.Spec.Tiers {
		c.compileTier(fmt.Sprintf("spec.tiers[%d].name", i), string(ref.Name))
	}
	slices.SortFunc(c.config.Tiers, func(a, b routerconfig.Tier) int {
		return compareRank(a.Rank, b.Rank, a.Name, b.Name)
	})
	slices.SortFunc(c.config.Providers, func(a, b routerconfig.Provider) int { return cmp.Compare(a.Name, b.Name) })
	c.warnEqualRanks()
}

// compareRank is the order of tiers: by rank, and among equals by name.
func compareRank(a, b int32, nameA, nameB string) int {
	return cmp.Or(cmp.Compare(a, b), cmp.Compare(nameA, nameB))
}

func (c *compiler) compileTier(field, name string) {
	t := c.tiers[name]
	if t == nil {
		c.policyProblem(SeverityDegraded, field, v1alpha1.ReasonTierNotFound,
			"ModelTier %q does not exist in namespace %s: create it, or remove it from the policy", name, c.policy.Namespace)
		return
	}
	if _, twice := c.ranks[name]; twice {
		c.policyProblem(SeverityWarning, field, v1alpha1.ReasonInvalid, "tier %s is listed twice: remove one of them", name)
		return
	}
	c.ranks[name] = t.Spec.Rank
	compiled := routerconfig.Tier{Name: name, Rank: t.Spec.Rank, Models: c.compileModels(t), CachePrompts: t.Spec.PromptCaching == v1alpha1.PromptCachingAutomatic}
	compiled.Selection = selection(t, compiled.Models)
	if len(compiled.Models) > 0 && c.tierMakesSense(&compiled) {
		c.config.Tiers = append(c.config.Tiers, compiled)
		return
	}
	c.policyProblem(SeverityDegraded, field, v1alpha1.ReasonTierNotReady,
		"ModelTier %q has no usable model: the problems of the tier and of its credentials say what to mend", name)
}

// tierMakesSense says what of a tier no router would take. The schema of the
// API keeps it out; an object from an older schema may still have it.
func (c *compiler) tierMakesSense(t *routerconfig.Tier) bool {
	faults := fieldFaults(t.Validate())
	for _, fault := range faults {
		field := "spec." + fault.Field
		if fault.Field == "name" {
			field = "metadata.name"
		}
		c.problem(c.object(KindModelTier, t.Name), SeverityDegraded, field, v1alpha1.ReasonInvalid, "%s", fault.Problem)
	}
	return len(faults) == 0
}

// selection is that of the tier, but for a weighted tier whose models with
// weight are all unusable: the rest then serve in order.
func selection(t *v1alpha1.ModelTier, models []routerconfig.Model) routerconfig.Selection {
	selected := routerconfig.Selection(cmp.Or(t.Spec.Selection, v1alpha1.SelectionWeighted))
	weightless := !slices.ContainsFunc(models, func(m routerconfig.Model) bool { return m.Weight > 0 })
	if selected == routerconfig.SelectionWeighted && weightless {
		return routerconfig.SelectionOrdered
	}
	return selected
}

func (c *compiler) warnEqualRanks() {
	byRank := map[int32]string{}
	for i, ref := range c.policy.Spec.Tiers {
		name := string(ref.Name)
		rank, exists := c.ranks[name]
		if !exists {
			continue
		}
		other, taken := byRank[rank]
		byRank[rank] = name
		if taken && other != name {
			c.policyProblem(SeverityWarning, fmt.Sprintf("spec.tiers[%d].name", i), v1alpha1.ReasonInvalid,
				"tiers %s and %s have the same rank %d, so that %s counts as the lower one, by its name: give them different ranks",
				other, name, rank, min(other, name))
		}
	}
}

func (c *compiler) compileDefaultTier() {
	c.config.DefaultTier = c.standIn("spec.defaultTier", string(c.policy.Spec.DefaultTier))
}

// standIn is the named tier, or when it cannot be used the next usable one up,
// or else the highest: answers get dearer then, not worse.
func (c *compiler) standIn(field, name string) string {
	usable, ok := c.atLeast(name)
	if !ok {
		usable = c.config.Tiers[len(c.config.Tiers)-1].Name
	}
	c.noteStandIn(field, name, usable)
	return usable
}

func (c *compiler) noteStandIn(field, name, usable string) {
	if usable != name {
		u := c.unusable(name)
		c.policyProblem(SeverityDegraded, field, u.reason, "%s, so tier %s stands in for it%s", u.why, usable, u.remedy)
	}
}

// unusable says why a tier that is named cannot be used.
type unusable struct {
	reason string
	// why is a sentence without its end, and remedy the end of one that follows.
	why, remedy string
}

func (c *compiler) unusable(name string) unusable {
	listed := slices.Contains(c.policy.Spec.Tiers, v1alpha1.TierReference{Name: v1alpha1.TierName(name)})
	switch {
	case !listed:
		return unusable{v1alpha1.ReasonTierNotFound, fmt.Sprintf("tier %q is not listed in spec.tiers", name), ": list it there, or name one that is"}
	case c.tiers[name] == nil:
		return unusable{v1alpha1.ReasonTierNotFound, fmt.Sprintf("ModelTier %q does not exist", name), " until it does"}
	default:
		return unusable{v1alpha1.ReasonTierNotReady, fmt.Sprintf("ModelTier %q has no usable model", name), " until it has one"}
	}
}

// atLeast returns the usable tier of that name, or the next one up. It is false
// when there is none, or when the tier does not exist, so that nobody can tell
// what is above it.
func (c *compiler) atLeast(name string) (string, bool) {
	rank, known := c.ranks[name]
	i := slices.IndexFunc(c.config.Tiers, func(t routerconfig.Tier) bool {
		return compareRank(t.Rank, rank, t.Name, name) >= 0
	})
	if !known || i < 0 {
		return "", false
	}
	return c.config.Tiers[i].Name, true
}

// atMost is atLeast downwards.
func (c *compiler) atMost(name string) (string, bool) {
	rank, known := c.ranks[name]
	if !known {
		return "", false
	}
	for _, t := range slices.Backward(c.config.Tiers) {
		if compareRank(t.Rank, rank, t.Name, name) <= 0 {
			return t.Name, true
		}
	}
	return "", false
}

// compileBaseline finds the baseline's price. Savings against a guess would be
// a lie, so what stands in is said.
func (c *compiler) compileBaseline() {
	tier, model := c.baseline()
	of := slices.DeleteFunc(slices.Clone(c.models), func(m PricedModel) bool { return m.Tier != tier })
	if model == "" && len(of) > 0 {
		model = of[0].Model
	}
	named := slices.DeleteFunc(slices.Clone(of), func(m PricedModel) bool { return m.Model != model })
	if i := slices.IndexFunc(named, func(m PricedModel) bool { return m.Price.Input != "" }); i >= 0 {
		c.config.Baseline = routerconfig.Baseline{Tier: tier, Model: model, Price: named[i].Price}
		return
	}
	top := &c.config.Tiers[len(c.config.Tiers)-1]
	c.config.Baseline = routerconfig.Baseline{Tier: top.Name, Model: top.Models[0].Name, Price: top.Models[0].Price}
	field, u := c.noBaseline(tier, model, len(of) > 0, len(named) > 0)
	c.policyProblem(SeverityDegraded, field, u.reason, "%s, so savings are measured against %s of tier %s%s", u.why, top.Models[0].Name, top.Name, u.remedy)
}

// baseline is what the policy names, or the first model (an empty name) of the
// highest tier that exists.
func (c *compiler) baseline() (tier, model string) {
	if b := c.policy.Spec.Baseline; b != nil {
		return string(b.Tier), b.Model
	}
	for _, ref := range c.policy.Spec.Tiers {
		name := string(ref.Name)
		if rank, ok := c.ranks[name]; ok && (tier == "" || compareRank(rank, c.ranks[tier], name, tier) > 0) {
			tier = name
		}
	}
	return tier, ""
}

func (c *compiler) noBaseline(tier, model string, tierHasModels, modelExists bool) (field string, u unusable) {
	switch {
	case !tierHasModels:
		return "spec.baseline.tier", c.unusable(tier)
	case !modelExists:
		return "spec.baseline.model", unusable{v1alpha1.ReasonModelNotFound, fmt.Sprintf("tier %s has no model %q", tier, model), ": name one that it has"}
	default:
		return "spec.baseline", unusable{v1alpha1.ReasonPriceUnknown, fmt.Sprintf("the price of %s of tier %s is unknown", model, tier), " until it is given"}
	}
}
