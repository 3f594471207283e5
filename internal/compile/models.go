package compile

import (
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// compileModels returns the models of the tier that can be routed to, in its
// order, and adds their providers.
func (c *compiler) compileModels(t *v1alpha1.ModelTier) []routerconfig.Model {
	var models []routerconfig.Model
	for i := range t.Spec.Models {
		if m := c.compileModel(t, i); m != nil {
			models = append(models, *m)
		}
	}
	return models
}

// compileModel is the model, or nil when it cannot be routed to. Everything
// that hinders it is said at once.
func (c *compiler) compileModel(t *v1alpha1.ModelTier, i int) *routerconfig.Model {
	m := &t.Spec.Models[i]
	at := fmt.Sprintf("spec.models[%d]", i)
	owner := c.object(KindModelTier, t.Name)
	credential := c.credentials[m.CredentialRef.Name]
	if credential == nil {
		c.problem(owner, SeverityDegraded, at+".credentialRef.name", v1alpha1.ReasonCredentialNotFound,
			"ProviderCredential %q does not exist in namespace %s: create it, or remove model %s", m.CredentialRef.Name, c.policy.Namespace, m.Name)
	}
	priced := c.price(t, at, m, credential)
	c.models = append(c.models, priced)
	same := func(o v1alpha1.TierModel) bool { return o.Name == m.Name && o.CredentialRef == m.CredentialRef }
	if slices.ContainsFunc(t.Spec.Models[:i], same) {
		c.problem(owner, SeverityWarning, at, v1alpha1.ReasonInvalid, "repeats model %s of credential %s: remove one of them", m.Name, m.CredentialRef.Name)
		return nil
	}
	if credential == nil {
		return nil
	}
	provider := c.provider(credential)
	if provider == nil || priced.Source == v1alpha1.PriceSourceUnknown {
		return nil
	}
	compiled := &routerconfig.Model{
		Name: m.Name, Provider: credential.Name, Weight: deref(m.Weight, v1alpha1.DefaultWeight), Price: priced.Price,
		ContextTokens: c.contextTokens(m, credential), MaxOutputTokens: maxOutput(m),
		Capabilities: capabilityNames(m.Capabilities), Timeouts: timeouts(m.Timeouts),
	}
	if faults := fieldFaults(compiled.Validate()); len(faults) > 0 {
		for _, fault := range faults {
			c.problem(owner, SeverityDegraded, at+"."+modelField(fault.Field), v1alpha1.ReasonInvalid, "%s", fault.Problem)
		}
		return nil
	}
	c.addProvider(provider)
	return compiled
}

// modelField is the field of the tier's model that a field of the config's comes
// from.
func modelField(field string) string {
	if field == "contextTokens" || field == "maxOutputTokens" {
		return "limits." + field
	}
	return field
}

// price is that of the spec, or else of the catalogue. The credential may be nil.
func (c *compiler) price(t *v1alpha1.ModelTier, at string, m *v1alpha1.TierModel, credential *v1alpha1.ProviderCredential) PricedModel {
	found := PricedModel{Tier: t.Name, Model: m.Name, Credential: m.CredentialRef.Name, Source: v1alpha1.PriceSourceUnknown}
	owner := c.object(KindModelTier, t.Name)
	if m.Pricing != nil {
		rates, err := pricing.NewRates(rateStrings(m.Pricing))
		for _, fault := range faultsOf[*pricing.FieldError](err) {
			c.problem(owner, SeverityDegraded, at+".pricing."+fault.Field, v1alpha1.ReasonPriceUnknown, "the price of %s cannot be used: %v", m.Name, fault)
		}
		if err == nil {
			found.Price, found.Source = fromRateStrings(rates.Strings()), v1alpha1.PriceSourceSpec
		}
		return found
	}
	if credential == nil {
		return found
	}
	entry, err := c.in.Catalogue.Lookup(string(credential.Spec.Provider), m.Name, c.in.At)
	if err != nil {
		c.problem(owner, SeverityDegraded, at+".pricing", v1alpha1.ReasonPriceUnknown, "%v", err)
		return found
	}
	if until := entry.EffectiveUntil; !until.IsZero() && (c.pricesUntil.IsZero() || until.Before(c.pricesUntil)) {
		c.pricesUntil = until
	}
	found.Price, found.Source, found.Origin = fromRateStrings(entry.Rates.Strings()), v1alpha1.PriceSourceCatalogue, entry.Source
	return found
}

func rateStrings(p *v1alpha1.ModelPricing) pricing.RateStrings {
	return pricing.RateStrings{
		Input: string(p.InputPerMillion), CachedInput: string(p.CachedInputPerMillion), CacheWrite: string(p.CacheWritePerMillion),
		Output: string(p.OutputPerMillion), BatchDiscountPercent: int(deref(p.BatchDiscountPercent, 0)),
	}
}

func fromRateStrings(r pricing.RateStrings) routerconfig.Price {
	return routerconfig.Price{
		Input: r.Input, CachedInput: r.CachedInput, CacheWrite: r.CacheWrite, CacheWrite1h: r.CacheWrite1h,
		Output: r.Output, ReasoningOutput: r.ReasoningOutput, BatchDiscountPercent: int32(r.BatchDiscountPercent),
	}
}

// contextTokens is the limit of the spec, or else what the catalogue knows.
func (c *compiler) contextTokens(m *v1alpha1.TierModel, credential *v1alpha1.ProviderCredential) int64 {
	if m.Limits != nil && m.Limits.ContextTokens != nil {
		return *m.Limits.ContextTokens
	}
	return c.in.Catalogue.ContextTokens(string(credential.Spec.Provider), m.Name, c.in.At) // 0 rules nothing out
}

func maxOutput(m *v1alpha1.TierModel) int64 {
	if m.Limits == nil {
		return 0
	}
	return deref(m.Limits.MaxOutputTokens, 0)
}

func capabilityNames(list []v1alpha1.Capability) []string {
	var names []string
	for _, capability := range list {
		names = append(names, string(capability))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func timeouts(t *v1alpha1.ModelTimeouts) routerconfig.Timeouts {
	var set v1alpha1.ModelTimeouts
	if t != nil {
		set = *t
	}
	request := duration(set.Request, v1alpha1.DefaultRequestTimeout)
	return routerconfig.Timeouts{
		FirstToken: min(duration(set.FirstToken, v1alpha1.DefaultFirstTokenTimeout), request),
		Idle:       min(duration(set.Idle, v1alpha1.DefaultIdleTimeout), request),
		Request:    request,
	}
}

// duration is the given one if it is positive, which the schema sees to.
func duration(d *metav1.Duration, otherwise time.Duration) routerconfig.Duration {
	if d == nil || d.Duration <= 0 {
		return routerconfig.Duration(otherwise)
	}
	return routerconfig.Duration(d.Duration)
}

func deref[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}
