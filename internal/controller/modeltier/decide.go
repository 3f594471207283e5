package modeltier

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/compile"
	"github.com/tiershift/tiershift/internal/controller/conditions"
	"github.com/tiershift/tiershift/internal/pricing"
)

// price compiles a policy of this tier alone, in which every key exists: what is
// left of its problems is about prices.
func price(tier *v1alpha1.ModelTier, credentials []v1alpha1.ProviderCredential, catalogue pricing.List, now time.Time) compile.Result {
	policy := &v1alpha1.RoutingPolicy{}
	policy.Name, policy.Namespace = "alone", tier.Namespace
	policy.Spec.Tiers = []v1alpha1.TierReference{{Name: v1alpha1.TierName(tier.Name)}}
	policy.Spec.DefaultTier = v1alpha1.TierName(tier.Name)
	policy.Spec.Gateway.Auth.Mode = v1alpha1.AuthNone
	keys := map[string][]string{}
	for i := range credentials {
		for _, ref := range []*v1alpha1.SecretKeyReference{credentials[i].Spec.SecretRef, credentials[i].Spec.NextSecretRef} {
			if ref != nil {
				keys[ref.Name] = append(keys[ref.Name], ref.Key)
			}
		}
	}
	return compile.Compile(compile.Input{
		Policy: policy, Tiers: []v1alpha1.ModelTier{*tier}, Credentials: credentials, SecretKeys: keys, At: now, Catalogue: catalogue,
	})
}

// decide is the status of the tier, and the conditions in it that are news.
func decide(
	tier *v1alpha1.ModelTier, credentials []v1alpha1.ProviderCredential, priced compile.Result, now time.Time,
) (v1alpha1.ModelTierStatus, []metav1.Condition) {
	set := conditions.New(tier.Generation, tier.Status.Conditions, now)
	models := modelStatuses(tier, priced)
	faults := credentialFaults(tier, credentials)
	credentialsReady(set, faults)
	pricingResolved(set, models, priced)
	ready(set, models, faults)
	set.Progress(false)
	names := make([]string, len(tier.Spec.Models))
	for i := range tier.Spec.Models {
		names[i] = tier.Spec.Models[i].Name
	}
	return v1alpha1.ModelTierStatus{
		ObservedGeneration: tier.Generation,
		Conditions:         set.List(),
		ModelNames:         strings.Join(names, ","),
		Models:             models,
	}, set.Changed()
}

func modelStatuses(tier *v1alpha1.ModelTier, priced compile.Result) []v1alpha1.TierModelStatus {
	statuses := make([]v1alpha1.TierModelStatus, 0, len(tier.Spec.Models))
	for i := range tier.Spec.Models {
		m := &tier.Spec.Models[i]
		status := v1alpha1.TierModelStatus{Name: m.Name, CredentialRef: m.CredentialRef, PriceSource: v1alpha1.PriceSourceUnknown}
		at := slices.IndexFunc(priced.Models, func(p compile.PricedModel) bool {
			return p.Model == m.Name && p.Credential == m.CredentialRef.Name
		})
		if at >= 0 && priced.Models[at].Source != v1alpha1.PriceSourceUnknown {
			p := &priced.Models[at]
			status.PriceSource = p.Source
			status.CatalogueDate = catalogueDate(p)
			status.Price = &v1alpha1.ModelPrice{
				InputPerMillion: p.Price.Input, CachedInputPerMillion: p.Price.CachedInput, CacheWritePerMillion: p.Price.CacheWrite,
				OutputPerMillion: p.Price.Output, BatchDiscountPercent: p.Price.BatchDiscountPercent,
			}
		}
		statuses = append(statuses, status)
	}
	return statuses
}

var date = regexp.MustCompile(`\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b`)

// catalogueDate is the date in the origin of a catalogue price.
func catalogueDate(p *compile.PricedModel) string {
	if p.Source != v1alpha1.PriceSourceCatalogue {
		return ""
	}
	return date.FindString(p.Origin)
}

// credentialFault is why a credential cannot be used.
type credentialFault struct{ reason, message string }

// credentialFaults maps the credentials that are not Ready to why.
func credentialFaults(tier *v1alpha1.ModelTier, credentials []v1alpha1.ProviderCredential) map[string]credentialFault {
	faults := map[string]credentialFault{}
	for i := range tier.Spec.Models {
		name := tier.Spec.Models[i].CredentialRef.Name
		at := slices.IndexFunc(credentials, func(c v1alpha1.ProviderCredential) bool { return c.Name == name })
		switch {
		case at < 0:
			faults[name] = credentialFault{
				v1alpha1.ReasonCredentialNotFound, fmt.Sprintf("ProviderCredential %q does not exist: create it", name),
			}
		case !conditions.IsTrue(credentials[at].Status.Conditions, v1alpha1.ConditionReady):
			faults[name] = credentialFault{v1alpha1.ReasonCredentialNotReady, fmt.Sprintf("ProviderCredential %q is not Ready: its own conditions say why", name)}
		}
	}
	return faults
}

func credentialsReady(set *conditions.Set, faults map[string]credentialFault) {
	if len(faults) == 0 {
		set.True(v1alpha1.ConditionCredentialsReady, v1alpha1.ReasonReady, "the credential of every model is Ready")
		return
	}
	reason := v1alpha1.ReasonCredentialNotReady
	messages := make([]string, 0, len(faults))
	for _, fault := range faults {
		if fault.reason == v1alpha1.ReasonCredentialNotFound {
			reason = fault.reason
		}
		messages = append(messages, fault.message)
	}
	slices.Sort(messages)
	set.False(v1alpha1.ConditionCredentialsReady, reason, strings.Join(messages, "; "))
}

// pricingResolved is Unknown for what a missing credential leaves open: the
// catalogue lists prices by provider.
func pricingResolved(set *conditions.Set, models []v1alpha1.TierModelStatus, priced compile.Result) {
	var messages []string
	for i := range priced.Problems {
		if p := &priced.Problems[i]; p.Reason == v1alpha1.ReasonPriceUnknown && p.Object.Kind == compile.KindModelTier {
			messages = append(messages, p.Field+": "+p.Message)
		}
	}
	unknown := slices.ContainsFunc(models, func(m v1alpha1.TierModelStatus) bool { return m.PriceSource == v1alpha1.PriceSourceUnknown })
	switch {
	case len(messages) > 0:
		set.False(v1alpha1.ConditionPricingResolved, v1alpha1.ReasonPriceUnknown, strings.Join(messages, "; "))
	case unknown:
		set.Unknown(v1alpha1.ConditionPricingResolved, v1alpha1.ReasonPending, "the catalogue is asked once every credential tells its provider")
	default:
		set.True(v1alpha1.ConditionPricingResolved, v1alpha1.ReasonResolved, "the price of every model is known")
	}
}

// ready is True when one model can be routed to; the message names the others.
func ready(set *conditions.Set, models []v1alpha1.TierModelStatus, faults map[string]credentialFault) {
	var out []string
	for i := range models {
		_, faulty := faults[models[i].CredentialRef.Name]
		if faulty || models[i].PriceSource == v1alpha1.PriceSourceUnknown {
			out = append(out, models[i].Name)
		}
	}
	switch {
	case len(out) == 0:
		set.True(v1alpha1.ConditionReady, v1alpha1.ReasonReady, "every model can be routed to")
	case len(out) < len(models):
		set.True(v1alpha1.ConditionReady, v1alpha1.ReasonDegraded, fmt.Sprintf(
			"%d of %d models cannot be routed to: %s", len(out), len(models), strings.Join(out, ", ")))
	default:
		set.False(v1alpha1.ConditionReady, v1alpha1.ReasonNoUsableModel, "no model can be routed to: CredentialsReady and PricingResolved say why")
	}
}
