package integration

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

// computed returns a function that reads what kstatus, and with it Flux and others,
// makes of an object, for Eventually.
func computed(ctx context.Context, like *unstructured.Unstructured) func(Gomega) status.Status {
	return func(g Gomega) status.Status {
		object := like.DeepCopy()
		g.Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(like), object)).To(Succeed())
		result, err := status.Compute(object)
		g.Expect(err).NotTo(HaveOccurred())
		return result.Status
	}
}

var _ = Describe("kstatus", func() {
	It("takes nothing for done that nobody has looked at", func(ctx context.Context) {
		for _, object := range manifests(quickstart, newNamespace(ctx)) {
			if object.GetKind() == "Secret" {
				continue
			}
			Expect(env.Client.Create(ctx, object)).To(Succeed())
			result, err := status.Compute(object)
			Expect(err).NotTo(HaveOccurred())
			Expect(result.Status).To(Equal(status.InProgressStatus), "%s %s: %s", object.GetKind(), object.GetName(), result.Message)
		}
	})

	It("tells what serves from what waits and from what is stuck", func(ctx context.Context) {
		namespace := newNamespace(ctx)
		applied := manifests(quickstart, namespace)
		rest, tier := without(applied, "ModelTier", "mid")
		_, policy := without(applied, "RoutingPolicy", "support")
		create(ctx, rest...)
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionResolvedRefs)).WithContext(ctx).Should(Equal("False TierNotFound"))
		Expect(computed(ctx, policy)(NewWithT(GinkgoT()))).To(Equal(status.InProgressStatus))

		create(ctx, tier)
		for _, object := range applied {
			if object.GetKind() != "Secret" {
				Eventually(computed(ctx, object)).WithContext(ctx).Should(Equal(status.CurrentStatus), "%s %s", object.GetKind(), object.GetName())
			}
		}

		change(ctx, namespace, func(p *v1alpha1.RoutingPolicy) { p.Spec.Gateway.Replicas = new(int32(0)) })
		Eventually(computed(ctx, policy)).WithContext(ctx).Should(Equal(status.FailedStatus))
		change(ctx, namespace, func(p *v1alpha1.RoutingPolicy) { p.Spec.Gateway.Replicas = new(int32(1)) })
		Eventually(computed(ctx, policy)).WithContext(ctx).Should(Equal(status.CurrentStatus))
	})
})
