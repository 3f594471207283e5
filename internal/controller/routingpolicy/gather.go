package routingpolicy

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/compile"
	"github.com/tiershift/tiershift/internal/controller/secrets"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/workload"
)

// facts are all that a plan depends on.
type facts struct {
	policy      *v1alpha1.RoutingPolicy
	tiers       []v1alpha1.ModelTier
	credentials []v1alpha1.ProviderCredential
	// secrets are those that the policy or a credential names and that exist.
	secrets map[string]secrets.Contents
	// classifiers are those of the ConfigMap that the policy names, if it exists.
	classifiers map[string]map[string]compile.Classifier
	catalogue   pricing.List
	router      workload.Router
	now         time.Time
}

// gather reads what the policy refers to. What does not exist is left out.
func (r *Reconciler) gather(ctx context.Context, policy *v1alpha1.RoutingPolicy) (facts, error) {
	f := facts{policy: policy, secrets: map[string]secrets.Contents{}, catalogue: r.Catalogue, router: r.Router, now: r.Now()}
	for _, ref := range policy.Spec.Tiers {
		var tier v1alpha1.ModelTier
		found, err := r.get(ctx, policy.Namespace, string(ref.Name), &tier)
		if err != nil {
			return facts{}, err
		}
		if found {
			f.tiers = append(f.tiers, tier)
		}
	}
	if err := r.gatherCredentials(ctx, &f); err != nil {
		return facts{}, err
	}
	if err := r.gatherSecrets(ctx, &f); err != nil {
		return facts{}, err
	}
	if err := r.gatherRequestIDSecret(ctx, &f); err != nil {
		return facts{}, err
	}
	if err := r.gatherClassifier(ctx, &f); err != nil {
		return facts{}, err
	}
	return f, nil
}

// classifierRef is the ConfigMap that the policy takes its classifier from; nil:
// none.
func classifierRef(policy *v1alpha1.RoutingPolicy) *v1alpha1.ConfigMapKeyReference {
	if c := policy.Spec.Classification; c != nil && c.Model != nil {
		return c.Model.ConfigMapRef
	}
	return nil
}

func (r *Reconciler) gatherClassifier(ctx context.Context, f *facts) error {
	ref := classifierRef(f.policy)
	if ref == nil {
		return nil
	}
	keys, exists, err := r.Classifiers.Read(ctx, types.NamespacedName{Namespace: f.policy.Namespace, Name: ref.Name}, ref.Key)
	if err == nil && exists {
		f.classifiers = map[string]map[string]compile.Classifier{ref.Name: keys}
	}
	return err
}

func (r *Reconciler) gatherCredentials(ctx context.Context, f *facts) error {
	asked := map[string]bool{}
	for i := range f.tiers {
		for j := range f.tiers[i].Spec.Models {
			name := f.tiers[i].Spec.Models[j].CredentialRef.Name
			if asked[name] {
				continue
			}
			asked[name] = true
			var credential v1alpha1.ProviderCredential
			found, err := r.get(ctx, f.policy.Namespace, name, &credential)
			if err != nil {
				return err
			}
			if found {
				f.credentials = append(f.credentials, credential)
			}
		}
	}
	return nil
}

func (r *Reconciler) gatherSecrets(ctx context.Context, f *facts) error {
	var names []string
	if ref := f.policy.Spec.Gateway.Auth.SecretRef; ref != nil {
		names = append(names, ref.Name)
	}
	for i := range f.credentials {
		spec := &f.credentials[i].Spec
		for _, ref := range []*v1alpha1.SecretKeyReference{spec.SecretRef, spec.NextSecretRef} {
			if ref != nil {
				names = append(names, ref.Name)
			}
		}
	}
	for _, name := range names {
		contents, err := r.Secrets.Contents(ctx, types.NamespacedName{Namespace: f.policy.Namespace, Name: name})
		if err != nil {
			return err
		}
		if contents.Exists {
			f.secrets[name] = contents
		}
	}
	return nil
}

// input is what the compiler sees of the facts.
func (f *facts) input() compile.Input {
	keys := map[string][]string{}
	for name, contents := range f.secrets {
		keys[name] = contents.Keys
	}
	return compile.Input{
		Policy: f.policy, Tiers: f.tiers, Credentials: f.credentials, SecretKeys: keys, Classifiers: f.classifiers, At: f.now, Catalogue: f.catalogue,
	}
}

// get reads an object of the cache; one that does not exist is no error.
func (r *Reconciler) get(ctx context.Context, namespace, name string, into client.Object) (found bool, err error) {
	err = r.Client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, into)
	if apierrors.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read %T %s/%s: %w", into, namespace, name, err)
	}
	return true, nil
}
