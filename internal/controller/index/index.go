// Package index answers who refers to an object, so that a change touches just
// those: Secret → credential → tier → policy.
package index

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/workload"
)

// The indexed fields.
const (
	tierCredentials  = "index:tier.credentials"
	credentialSecret = "index:credential.secrets"
	policyTiers      = "index:policy.tiers"
	policySecrets    = "index:policy.secrets"
	madeForPolicy    = "index:made.for.policy"
)

// Register adds the indices to the manager's cache. It is called once, before
// any controller starts.
func Register(ctx context.Context, indexer client.FieldIndexer) error {
	for _, i := range []struct {
		object  client.Object
		field   string
		extract client.IndexerFunc
	}{
		{&v1alpha1.ModelTier{}, tierCredentials, credentialsOfTier},
		{&v1alpha1.ProviderCredential{}, credentialSecret, secretsOfCredential},
		{&v1alpha1.RoutingPolicy{}, policyTiers, tiersOfPolicy},
		{&v1alpha1.RoutingPolicy{}, policySecrets, secretsOfPolicy},
		{&corev1.ConfigMap{}, madeForPolicy, policyOf},
		{&corev1.Pod{}, madeForPolicy, policyOf},
	} {
		if err := indexer.IndexField(ctx, i.object, i.field, i.extract); err != nil {
			return fmt.Errorf("index %s: %w", i.field, err)
		}
	}
	return nil
}

func credentialsOfTier(o client.Object) []string {
	var names []string
	if tier, ok := o.(*v1alpha1.ModelTier); ok {
		for i := range tier.Spec.Models {
			names = append(names, tier.Spec.Models[i].CredentialRef.Name)
		}
	}
	return unique(names)
}

func secretsOfCredential(o client.Object) []string {
	var names []string
	if credential, ok := o.(*v1alpha1.ProviderCredential); ok {
		for _, ref := range []*v1alpha1.SecretKeyReference{credential.Spec.SecretRef, credential.Spec.NextSecretRef} {
			if ref != nil {
				names = append(names, ref.Name)
			}
		}
	}
	return unique(names)
}

func tiersOfPolicy(o client.Object) []string {
	var names []string
	if policy, ok := o.(*v1alpha1.RoutingPolicy); ok {
		for _, ref := range policy.Spec.Tiers {
			names = append(names, string(ref.Name))
		}
	}
	return unique(names)
}

func secretsOfPolicy(o client.Object) []string {
	policy, ok := o.(*v1alpha1.RoutingPolicy)
	if !ok {
		return nil
	}
	names := []string{routerconfig.RequestIDSecret(policy.Name)}
	if ref := policy.Spec.Gateway.Auth.SecretRef; ref != nil {
		names = append(names, ref.Name)
	}
	return unique(names)
}

func policyOf(o client.Object) []string {
	if policy, ok := workload.PolicyOf(o.GetLabels()); ok {
		return []string{policy}
	}
	return nil
}

// MadeFor selects the ConfigMaps and pods that were made for a policy.
func MadeFor(policy string) client.ListOption { return client.MatchingFields{madeForPolicy: policy} }

func unique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// Finder finds referrers. Its functions are of the form that handlers map with:
// a failure to read the cache finds nobody, and says so.
type Finder struct {
	Reader client.Reader
	// Failed is told of failures to read.
	Failed func(ctx context.Context, err error)
}

// CredentialsOfSecret finds the credentials that name the Secret.
func (f *Finder) CredentialsOfSecret(ctx context.Context, secret client.Object) []reconcile.Request {
	var list v1alpha1.ProviderCredentialList
	f.list(ctx, &list, secret.GetNamespace(), credentialSecret, secret.GetName())
	return requests(list.Items, func(c *v1alpha1.ProviderCredential) string { return c.Name }, secret.GetNamespace())
}

// TiersOfCredential finds the tiers with a model of the credential.
func (f *Finder) TiersOfCredential(ctx context.Context, credential client.Object) []reconcile.Request {
	var list v1alpha1.ModelTierList
	f.list(ctx, &list, credential.GetNamespace(), tierCredentials, credential.GetName())
	return requests(list.Items, func(t *v1alpha1.ModelTier) string { return t.Name }, credential.GetNamespace())
}

// PoliciesOfTier finds the policies that list the tier.
func (f *Finder) PoliciesOfTier(ctx context.Context, tier client.Object) []reconcile.Request {
	return f.policiesOfTier(ctx, types.NamespacedName{Namespace: tier.GetNamespace(), Name: tier.GetName()})
}

func (f *Finder) policiesOfTier(ctx context.Context, tier types.NamespacedName) []reconcile.Request {
	var list v1alpha1.RoutingPolicyList
	f.list(ctx, &list, tier.Namespace, policyTiers, tier.Name)
	return requests(list.Items, func(p *v1alpha1.RoutingPolicy) string { return p.Name }, tier.Namespace)
}

// PoliciesOfCredential finds the policies that list a tier with a model of the
// credential.
func (f *Finder) PoliciesOfCredential(ctx context.Context, credential client.Object) []reconcile.Request {
	var found []reconcile.Request
	for _, tier := range f.TiersOfCredential(ctx, credential) {
		found = append(found, f.policiesOfTier(ctx, tier.NamespacedName)...)
	}
	return uniqueRequests(found)
}

// PoliciesOfSecret finds the policies that read the Secret, for their clients or
// by a credential.
func (f *Finder) PoliciesOfSecret(ctx context.Context, secret client.Object) []reconcile.Request {
	var list v1alpha1.RoutingPolicyList
	f.list(ctx, &list, secret.GetNamespace(), policySecrets, secret.GetName())
	found := requests(list.Items, func(p *v1alpha1.RoutingPolicy) string { return p.Name }, secret.GetNamespace())
	for _, credential := range f.CredentialsOfSecret(ctx, secret) {
		object := &v1alpha1.ProviderCredential{}
		object.Namespace, object.Name = credential.Namespace, credential.Name
		found = append(found, f.PoliciesOfCredential(ctx, object)...)
	}
	return uniqueRequests(found)
}

func (f *Finder) list(ctx context.Context, list client.ObjectList, namespace, field, value string) {
	err := f.Reader.List(ctx, list, client.InNamespace(namespace), client.MatchingFields{field: value}, client.UnsafeDisableDeepCopy)
	if err != nil {
		f.Failed(ctx, fmt.Errorf("find who refers to %s/%s: %w", namespace, value, err))
	}
}

func requests[T any](items []T, name func(*T) string, namespace string) []reconcile.Request {
	found := make([]reconcile.Request, len(items))
	for i := range items {
		found[i] = reconcile.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name(&items[i])}}
	}
	return found
}

func uniqueRequests(list []reconcile.Request) []reconcile.Request {
	slices.SortFunc(list, func(a, b reconcile.Request) int { return strings.Compare(a.Name, b.Name) })
	return slices.Compact(list)
}
