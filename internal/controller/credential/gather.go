package credential

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/compile"
	"github.com/tiershift/tiershift/internal/controller/secrets"
	"github.com/tiershift/tiershift/internal/pricing"
)

// facts are all that a status depends on.
type facts struct {
	credential *v1alpha1.ProviderCredential
	// endpoint is the base URL in force.
	endpoint string
	// keys are the references of the spec, with what stands behind them.
	keys []keyFact
	// probe is the outcome of the newest probe; nil: none is wanted, or none can
	// be made.
	probe *outcome
	now   time.Time
	// recheck is when to look again by the clock; 0: only when something changes.
	recheck time.Duration
}

// keyFact is a reference and the Secret it names.
type keyFact struct {
	field    string
	ref      *v1alpha1.SecretKeyReference
	contents secrets.Contents
}

func (r *Reconciler) gather(ctx context.Context, credential *v1alpha1.ProviderCredential) (facts, error) {
	now := r.Now()
	f := facts{credential: credential, endpoint: endpoint(credential, now), now: now}
	for _, key := range []keyFact{
		{field: "spec.secretRef", ref: credential.Spec.SecretRef},
		{field: "spec.nextSecretRef", ref: credential.Spec.NextSecretRef},
	} {
		if key.ref == nil {
			continue
		}
		var err error
		key.contents, err = r.Secrets.Contents(ctx, types.NamespacedName{Namespace: credential.Namespace, Name: key.ref.Name})
		if err != nil {
			return facts{}, err
		}
		f.keys = append(f.keys, key)
	}
	if probing(credential) && (len(f.keys) == 0 || f.keys[0].usable()) {
		if err := r.probe(ctx, &f); err != nil {
			return facts{}, err
		}
	}
	return f, nil
}

func probing(credential *v1alpha1.ProviderCredential) bool {
	return credential.Spec.Probe != nil && credential.Spec.Probe.Mode == v1alpha1.ProbeListModels
}

// endpoint asks the compiler, since what it makes of the spec is what routers
// call: it compiles a policy of one model at this account.
func endpoint(credential *v1alpha1.ProviderCredential, at time.Time) string {
	const alone = "alone"
	in := compile.Input{
		Policy:      &v1alpha1.RoutingPolicy{},
		Tiers:       []v1alpha1.ModelTier{{}},
		Credentials: []v1alpha1.ProviderCredential{*credential},
		SecretKeys:  map[string][]string{},
		At:          at,
		Catalogue:   pricing.Catalogue(),
	}
	in.Policy.Name, in.Policy.Namespace = alone, credential.Namespace
	in.Policy.Spec.Tiers = []v1alpha1.TierReference{{Name: alone}}
	in.Policy.Spec.DefaultTier = alone
	in.Policy.Spec.Gateway.Auth.Mode = v1alpha1.AuthNone
	tier := &in.Tiers[0]
	tier.Name, tier.Namespace = alone, credential.Namespace
	tier.Spec.Rank = 1
	tier.Spec.Models = []v1alpha1.TierModel{{
		Name: alone, CredentialRef: v1alpha1.CredentialReference{Name: credential.Name},
		Pricing: &v1alpha1.ModelPricing{InputPerMillion: "1", OutputPerMillion: "1"},
	}}
	for _, ref := range []*v1alpha1.SecretKeyReference{credential.Spec.SecretRef, credential.Spec.NextSecretRef} {
		if ref != nil {
			in.SecretKeys[ref.Name] = append(in.SecretKeys[ref.Name], ref.Key)
		}
	}
	config := compile.Compile(in).Config
	if config == nil || len(config.Providers) == 0 {
		return credential.Spec.Endpoint
	}
	return config.Providers[0].BaseURL
}
