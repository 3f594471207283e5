package main

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

// sharedTier is of every other policy.
const sharedTier = "tier-0"

func key(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: name}
}

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}

// createAll creates the objects, several at a time.
func createAll(ctx context.Context, c client.Client, o options) error {
	objects := []client.Object{&corev1.Secret{ObjectMeta: meta("clients"), Data: map[string][]byte{"app": []byte("tsk-app")}}}
	for i := range o.credentials {
		objects = append(objects, secret(i), credential(i))
	}
	for i := range o.tiers {
		objects = append(objects, tier(i, o.credentials))
	}
	for i := range o.policies {
		objects = append(objects, policy(i, o))
	}
	const atOnce = 8
	work := make(chan client.Object)
	errs := make(chan error, atOnce)
	var group sync.WaitGroup
	for range atOnce {
		group.Go(func() {
			for object := range work {
				if err := c.Create(ctx, object); err != nil {
					select {
					case errs <- fmt.Errorf("create %T %s: %w", object, object.GetName(), err):
					default: // another says enough
					}
				}
			}
		})
	}
	for _, object := range objects {
		work <- object
	}
	close(work)
	group.Wait()
	close(errs)
	return <-errs
}

func secret(i int) *corev1.Secret {
	return &corev1.Secret{ObjectMeta: meta(fmt.Sprintf("key-%d", i)), Data: map[string][]byte{"api-key": fmt.Appendf(nil, "sk-%d", i)}}
}

func credential(i int) *v1alpha1.ProviderCredential {
	return &v1alpha1.ProviderCredential{
		ObjectMeta: meta(fmt.Sprintf("credential-%d", i)),
		Spec: v1alpha1.ProviderCredentialSpec{
			Provider: v1alpha1.ProviderOpenAI, SecretRef: &v1alpha1.SecretKeyReference{Name: fmt.Sprintf("key-%d", i), Key: "api-key"},
		},
	}
}

func tier(i, credentials int) *v1alpha1.ModelTier {
	model := func(name string, j int) v1alpha1.TierModel {
		return v1alpha1.TierModel{
			Name: name, CredentialRef: v1alpha1.CredentialReference{Name: fmt.Sprintf("credential-%d", j%credentials)}, Weight: new(int32(50)),
		}
	}
	return &v1alpha1.ModelTier{ObjectMeta: meta(fmt.Sprintf("tier-%d", i)), Spec: v1alpha1.ModelTierSpec{
		Rank: int32(i + 1), Selection: v1alpha1.SelectionWeighted, Models: []v1alpha1.TierModel{model("gpt-5-nano", i), model("gpt-5-mini", i+1)},
	}}
}

// policy has three tiers, of which an even one's lowest is the shared tier, and
// routes like those of the quickstart.
func policy(i int, o options) *v1alpha1.RoutingPolicy {
	others := o.tiers - 1
	low, mid, high := 1+i%others, 1+(i+1)%others, 1+(i+2)%others
	if i%2 == 0 {
		low = 0
	}
	name := func(tier int) v1alpha1.TierName { return v1alpha1.TierName(fmt.Sprintf("tier-%d", tier)) }
	return &v1alpha1.RoutingPolicy{ObjectMeta: meta(fmt.Sprintf("policy-%d", i)), Spec: v1alpha1.RoutingPolicySpec{
		Tiers:       []v1alpha1.TierReference{{Name: name(low)}, {Name: name(mid)}, {Name: name(high)}},
		DefaultTier: name(mid),
		Routes: []v1alpha1.Route{
			{Name: "classify", Match: v1alpha1.RouteMatch{Paths: []string{"/api/classify"}}, Tier: name(low)},
			{Name: "review", Match: v1alpha1.RouteMatch{Paths: []string{"/api/review"}}, Tier: name(high)},
			{Name: "medical", Match: v1alpha1.RouteMatch{Prompt: &v1alpha1.PromptMatch{Keywords: []string{"diagnosis", "dosage", "symptom"}}}, Tier: name(high)},
			{Name: "chat"},
		},
		Fallback: &v1alpha1.Fallback{On: []v1alpha1.FallbackCause{v1alpha1.CauseTimeout, v1alpha1.CauseServerError}, MaxAttempts: new(int32(3))},
		Gateway: v1alpha1.Gateway{
			Replicas: new(int32(o.replicas)),
			Auth:     v1alpha1.GatewayAuth{Mode: v1alpha1.AuthAPIKeys, SecretRef: &v1alpha1.SecretReference{Name: "clients"}},
		},
	}}
}
