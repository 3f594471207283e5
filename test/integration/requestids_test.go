package integration

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

var _ = Describe("The key of request ids", func() {
	key := func(ctx context.Context, namespace string) *corev1.Secret {
		GinkgoHelper()
		return get(ctx, &corev1.Secret{}, namespace, routerconfig.RequestIDSecret("support"))
	}

	It("is created once, owned by the policy, and stays what it is", func(ctx context.Context) {
		namespace := inService(ctx)
		secret := key(ctx, namespace)
		policy := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support")
		Expect(metav1.IsControlledBy(secret, policy)).To(BeTrue())
		Expect(len(secret.Data[routerconfig.RequestIDKey])).To(BeNumerically(">=", 32))

		change(ctx, namespace, func(p *v1alpha1.RoutingPolicy) { p.Spec.Gateway.PodLabels = map[string]string{"team": "search"} })
		Consistently(func(g Gomega) string {
			return key(ctx, namespace).ResourceVersion
		}).WithContext(ctx).WithTimeout(2 * time.Second).Should(Equal(secret.ResourceVersion))

		By("making another when it was deleted")
		Expect(env.Client.Delete(ctx, secret)).To(Succeed())
		Eventually(func(g Gomega) {
			var made corev1.Secret
			g.Expect(env.Client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: secret.Name}, &made)).To(Succeed())
			g.Expect(made.UID).NotTo(Equal(secret.UID))
			g.Expect(made.Data[routerconfig.RequestIDKey]).NotTo(Equal(secret.Data[routerconfig.RequestIDKey]))
		}).WithContext(ctx).Should(Succeed())
	})

	It("is left alone when a user brought it", func(ctx context.Context) {
		namespace := newNamespace(ctx)
		own := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: routerconfig.RequestIDSecret("support")},
			StringData: map[string]string{routerconfig.RequestIDKey: "a key of the user's own, long enough"},
		}
		Expect(env.Client.Create(ctx, own)).To(Succeed())
		create(ctx, manifests(quickstart, namespace)...)
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
		secret := key(ctx, namespace)
		Expect(secret.OwnerReferences).To(BeEmpty())
		Expect(string(secret.Data[routerconfig.RequestIDKey])).To(Equal("a key of the user's own, long enough"))
	})
})
