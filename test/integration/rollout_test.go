package integration

import (
	"context"
	"fmt"
	"maps"
	"slices"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/workload"
)

// served is what each router of the namespace serves, by pod.
func served(ctx context.Context, namespace string) func() map[string]string {
	return func() map[string]string { return kubelet.digests(ctx, namespace) }
}

// newKey adds a model of a new account with a new Secret to the tier mid.
func newKey(ctx context.Context, namespace string) {
	GinkgoHelper()
	Expect(env.Client.Create(ctx, &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "mistral-key"}, Data: map[string][]byte{"api-key": []byte("sk-new")},
	})).To(Succeed())
	Expect(env.Client.Create(ctx, &v1alpha1.ProviderCredential{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "mistral"},
		Spec: v1alpha1.ProviderCredentialSpec{
			Provider: v1alpha1.ProviderMistral, SecretRef: &v1alpha1.SecretKeyReference{Name: "mistral-key", Key: "api-key"},
		},
	})).To(Succeed())
	tier := get(ctx, &v1alpha1.ModelTier{}, namespace, "mid")
	before := tier.DeepCopy()
	tier.Spec.Models = append([]v1alpha1.TierModel{{
		Name: "mistral-small", CredentialRef: v1alpha1.CredentialReference{Name: "mistral"},
		Pricing: &v1alpha1.ModelPricing{InputPerMillion: "0.1", OutputPerMillion: "0.3"},
	}}, tier.Spec.Models...)
	Expect(env.Client.Patch(ctx, tier, client.MergeFrom(before))).To(Succeed())
}

var _ = Describe("A roll-out", func() {
	It("gives a config with a new key to pods that mount the key, and to no other", func(ctx context.Context) {
		namespace := inService(ctx)
		old := served(ctx, namespace)()
		oldConfig := configs(ctx, namespace)[0].Name
		kubelet.hold(namespace, true)
		newKey(ctx, namespace)

		Eventually(func() int { return len(served(ctx, namespace)()) }).WithContext(ctx).Should(Equal(2 * len(old)))
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionProgrammed)).WithContext(ctx).Should(Equal("False Progressing"))
		policy := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support")
		Expect(message(policy.Status.Conditions, v1alpha1.ConditionProgrammed)).To(ContainSubstring("to be replaced: it lacks the key files"))
		Expect(configs(ctx, namespace)).To(HaveLen(2))

		// Meanwhile the old ones serve what they did, even after a restart and
		// after another change.
		kubelet.restart(namespace, slices.Sorted(maps.Keys(old))[0])
		change(ctx, namespace, func(p *v1alpha1.RoutingPolicy) { p.Spec.DefaultTier = "flagship" })
		unchanged := func() map[string]string {
			now := served(ctx, namespace)()
			maps.DeleteFunc(now, func(pod, _ string) bool { return old[pod] == "" })
			return now
		}
		Eventually(unchanged).WithContext(ctx).Should(Equal(old))
		Consistently(unchanged).WithContext(ctx).WithTimeout(2 * resync).Should(Equal(old))

		kubelet.hold(namespace, false)
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
		digest := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support").Status.ConfigDigest
		Eventually(func() []string { return slices.Compact(slices.Collect(maps.Values(served(ctx, namespace)()))) }).
			WithContext(ctx).Should(Equal([]string{digest}))
		Eventually(func() []corev1.ConfigMap { return configs(ctx, namespace) }).WithContext(ctx).Should(HaveLen(1))
		Expect(configs(ctx, namespace)[0].Name).NotTo(Equal(oldConfig))
	})

	It("names the replica that refuses its config, with its error", func(ctx context.Context) {
		namespace := inService(ctx)
		old := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support").Status.ConfigDigest
		kubelet.garble(namespace, true)
		change(ctx, namespace, func(p *v1alpha1.RoutingPolicy) { p.Spec.DefaultTier = "flagship" })
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionProgrammed)).WithContext(ctx).Should(Equal("False ConfigRejected"))
		policy := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support")
		Expect(message(policy.Status.Conditions, v1alpha1.ConditionProgrammed)).To(And(
			MatchRegexp(`pod support-gateway-\S+ refused the config`), ContainSubstring("unexpected EOF")))
		for pod, digest := range served(ctx, namespace)() {
			Expect(digest).To(Equal(old), pod)
		}
		Eventually(eventReasons(ctx, namespace, "support")).WithContext(ctx).Should(ContainElement("Warning ConfigRejected"))

		kubelet.garble(namespace, false)
		change(ctx, namespace, func(p *v1alpha1.RoutingPolicy) { p.Spec.DefaultTier = "nano" })
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
	})

	It("compresses a config that is long, and restarts nothing for it", func(ctx context.Context) {
		namespace := inService(ctx)
		before := pods(ctx, namespace)
		change(ctx, namespace, func(p *v1alpha1.RoutingPolicy) {
			for i := range 12 {
				rule := v1alpha1.ClassificationRule{Name: fmt.Sprintf("rule-%d", i), Class: v1alpha1.ClassSimple}
				rule.Match = v1alpha1.RuleMatch{}
				for j := range 64 {
					rule.Match.Keywords = append(rule.Match.Keywords, fmt.Sprintf("keyword %d of rule %d: %0100d", j, i, j))
				}
				p.Spec.Classification.Rules.Custom = append(p.Spec.Classification.Rules.Custom, rule)
			}
		})
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionProgrammed)).WithContext(ctx).Should(Equal("True Programmed"))
		config := configs(ctx, namespace)[0]
		Expect(config.Data).To(BeEmpty())
		Expect(len(config.BinaryData[workload.ConfigKey])).To(And(BeNumerically(">", 0), BeNumerically("<", 20_000)))
		Expect(pods(ctx, namespace)).To(Equal(before))

		change(ctx, namespace, func(p *v1alpha1.RoutingPolicy) { p.Spec.Classification.Rules.Custom = nil })
		Eventually(func() string { return configs(ctx, namespace)[0].Data[workload.ConfigKey] }).WithContext(ctx).ShouldNot(BeEmpty())
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
		Expect(configs(ctx, namespace)[0].BinaryData).To(BeEmpty())
	})
})

var _ = Describe("A resource", func() {
	It("of another version, with fields that nobody knows, does no harm", func(ctx context.Context) {
		namespace := newNamespace(ctx)
		applied := manifests(quickstart, namespace)
		for _, object := range applied {
			if object.GetKind() != "Secret" {
				Expect(unstructured.SetNestedField(object.Object, "of old", "spec", "obsolete")).To(Succeed())
				Expect(unstructured.SetNestedMap(object.Object, map[string]any{
					"obsolete":   "of old",
					"conditions": []any{map[string]any{"type": "Obsolete", "status": "True", "reason": "Old", "message": "", "lastTransitionTime": "2020-01-01T00:00:00Z"}},
				}, "status")).To(Succeed())
			}
		}
		create(ctx, applied...)
		for _, object := range applied { // as if an operator of that version had written it
			if object.GetKind() == "RoutingPolicy" {
				stands := object.DeepCopy()
				Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(object), stands)).To(Succeed())
				before := stands.DeepCopy()
				stands.Object["status"] = object.Object["status"]
				Expect(env.Client.Status().Patch(ctx, stands, client.MergeFrom(before))).To(Succeed())
			}
		}
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
	})

	It("that ranks as another tier does is told from it by its name", func(ctx context.Context) {
		namespace := newNamespace(ctx)
		applied := manifests(quickstart, namespace)
		for _, object := range applied {
			if object.GetKind() == "ModelTier" {
				Expect(unstructured.SetNestedField(object.Object, int64(10), "spec", "rank")).To(Succeed())
			}
		}
		create(ctx, applied...)
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
		policy := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support")
		Expect(policy.Status.TierNames).To(Equal("flagship,mid,nano"))
		digest := policy.Status.ConfigDigest
		Consistently(func() string { return get(ctx, policy, namespace, "support").Status.ConfigDigest }).
			WithContext(ctx).WithTimeout(2 * resync).Should(Equal(digest))
	})
})
