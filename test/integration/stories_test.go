package integration

import (
	"context"
	"fmt"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/workload"
)

const gatewayName = "support-gateway"

// inService applies the quickstart and waits until it is served by all replicas.
func inService(ctx context.Context) (namespace string) {
	GinkgoHelper()
	namespace = newNamespace(ctx)
	create(ctx, manifests(quickstart, namespace)...)
	Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
	Eventually(acknowledged(ctx, namespace)).WithContext(ctx).Should(Equal(v1alpha1.RouterCount{Total: 2, Acknowledged: 2}))
	return namespace
}

func acknowledged(ctx context.Context, namespace string) func(Gomega) v1alpha1.RouterCount {
	return func(g Gomega) v1alpha1.RouterCount {
		var policy v1alpha1.RoutingPolicy
		g.Expect(env.Client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "support"}, &policy)).To(Succeed())
		g.Expect(policy.Status.Gateway).NotTo(BeNil())
		return *policy.Status.Gateway.Replicas
	}
}

// change updates the policy by fn and returns its new generation.
func change(ctx context.Context, namespace string, fn func(*v1alpha1.RoutingPolicy)) int64 {
	GinkgoHelper()
	policy := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support")
	before := policy.DeepCopy()
	fn(policy)
	Expect(env.Client.Patch(ctx, policy, client.MergeFrom(before))).To(Succeed())
	return policy.Generation
}

func pods(ctx context.Context, namespace string) map[types.UID]bool {
	GinkgoHelper()
	var list corev1.PodList
	Expect(env.Client.List(ctx, &list, client.InNamespace(namespace))).To(Succeed())
	uids := map[types.UID]bool{}
	for i := range list.Items {
		uids[list.Items[i].UID] = true
	}
	return uids
}

var _ = Describe("A policy", func() {
	It("gets into service whatever the order in which its resources arrive", func(ctx context.Context) {
		namespace := newNamespace(ctx)
		create(ctx, shuffled(manifests(quickstart, namespace))...)

		Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
		Eventually(acknowledged(ctx, namespace)).WithContext(ctx).Should(Equal(v1alpha1.RouterCount{Total: 2, Acknowledged: 2}))

		policy := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support")
		Expect(state(policy.Status.Conditions, v1alpha1.ConditionAccepted)).To(Equal("True Accepted"))
		Expect(state(policy.Status.Conditions, v1alpha1.ConditionResolvedRefs)).To(Equal("True Resolved"))
		Expect(state(policy.Status.Conditions, v1alpha1.ConditionProgrammed)).To(Equal("True Programmed"))
		Expect(state(policy.Status.Conditions, "Reconciling")).To(BeEmpty())
		Expect(policy.Status.TierNames).To(Equal("nano,mid,flagship"))
		Expect(policy.Status.Gateway.URL).To(Equal("http://support-gateway." + namespace + ".svc:8080"))
		Eventually(tierState(ctx, namespace, "mid", v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
		Eventually(credentialState(ctx, namespace, "anthropic", v1alpha1.ConditionAuthenticated)).WithContext(ctx).Should(Equal("True Authenticated"))
		Eventually(credentialState(ctx, namespace, "openai", v1alpha1.ConditionAuthenticated)).WithContext(ctx).Should(Equal("Unknown ProbeDisabled"))
	})

	It("reaches every router within five seconds of a change, and restarts none", func(ctx context.Context) {
		namespace := inService(ctx)
		before := pods(ctx, namespace)
		old := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support").Status.ConfigDigest

		changed := time.Now()
		change(ctx, namespace, func(p *v1alpha1.RoutingPolicy) { p.Spec.DefaultTier = "flagship" })
		Eventually(func(g Gomega) {
			policy := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support")
			g.Expect(policy.Status.ObservedGeneration).To(Equal(policy.Generation))
			g.Expect(policy.Status.ConfigDigest).NotTo(Equal(old))
			g.Expect(state(policy.Status.Conditions, v1alpha1.ConditionProgrammed)).To(Equal("True Programmed"))
			g.Expect(policy.Status.Gateway.Replicas.Acknowledged).To(Equal(int32(2)))
		}).WithContext(ctx).WithTimeout(5 * time.Second).Should(Succeed())
		AddReportEntry("every router acknowledged after", time.Since(changed).String())
		Expect(pods(ctx, namespace)).To(Equal(before))
	})

	It("keeps what is served while a change makes no sense, and says so", func(ctx context.Context) {
		namespace := inService(ctx)
		digest := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support").Status.ConfigDigest

		change(ctx, namespace, func(p *v1alpha1.RoutingPolicy) { p.Spec.Routes[4].Match.Expression = "request.nonsense(" })
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionAccepted)).WithContext(ctx).Should(Equal("False InvalidExpression"))
		policy := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support")
		Expect(state(policy.Status.Conditions, v1alpha1.ConditionProgrammed)).To(Equal("False NotReady"))
		Expect(state(policy.Status.Conditions, "Stalled")).To(Equal("True NotReady"))
		Expect(policy.Status.ConfigDigest).To(Equal(digest))
		Expect(policy.Status.Gateway.Replicas.Acknowledged).To(Equal(int32(2)))

		change(ctx, namespace, func(p *v1alpha1.RoutingPolicy) { p.Spec.Routes[4].Match.Expression = "" })
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
	})

	It("changes nothing while it is suspended", func(ctx context.Context) {
		namespace := inService(ctx)
		old := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support").Status.ConfigDigest

		change(ctx, namespace, func(p *v1alpha1.RoutingPolicy) { p.Spec.Suspend, p.Spec.DefaultTier = true, "nano" })
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionProgrammed)).WithContext(ctx).Should(Equal("False Suspended"))
		config := configs(ctx, namespace)[0]
		Expect(config.Annotations[workload.ConfigDigestAnnotation]).To(Equal(old))

		change(ctx, namespace, func(p *v1alpha1.RoutingPolicy) { p.Spec.Suspend = false })
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
		Expect(get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support").Status.ConfigDigest).NotTo(Equal(old))
	})

	It("owns all that was made for it, and touches nothing of the user's", func(ctx context.Context) {
		namespace := newNamespace(ctx)
		applied := manifests(quickstart, namespace)
		create(ctx, applied...)
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))

		policy := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support")
		for _, object := range owned() {
			get(ctx, object, namespace, nameOf(ctx, object, namespace))
			Expect(metav1.IsControlledBy(object, policy)).To(BeTrue(), "%T", object)
		}
		for _, object := range applied {
			stands := object.DeepCopy()
			Expect(env.Client.Get(ctx, client.ObjectKeyFromObject(object), stands)).To(Succeed())
			Expect(stands.GetLabels()).To(BeEmpty())
			Expect(stands.GetAnnotations()).To(BeEmpty())
			Expect(stands.GetFinalizers()).To(BeEmpty())
			Expect(stands.GetGeneration()).To(BeNumerically("<=", 1), "%s %s", object.GetKind(), object.GetName())
		}
	})

	It("goes without holding anything back", func(ctx context.Context) {
		namespace := inService(ctx)
		policy := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support")
		Expect(env.Client.Delete(ctx, policy)).To(Succeed())
		err := env.Client.Get(ctx, client.ObjectKeyFromObject(policy), policy)
		Expect(apierrors.IsNotFound(err)).To(BeTrue())

		// Nothing is made anew for a policy that is gone. The garbage collector,
		// which this control plane lacks, follows the owner references.
		deployment := get(ctx, &appsv1.Deployment{}, namespace, gatewayName)
		Expect(env.Client.Delete(ctx, deployment)).To(Succeed())
		Consistently(func() bool {
			return apierrors.IsNotFound(env.Client.Get(ctx, client.ObjectKeyFromObject(deployment), &appsv1.Deployment{}))
		}).WithTimeout(2 * resync).Should(BeTrue())
	})

	It("waits for the leftovers of its predecessor", func(ctx context.Context) {
		namespace := inService(ctx)
		policy := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support")
		Expect(env.Client.Delete(ctx, policy)).To(Succeed())
		again := &v1alpha1.RoutingPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "support"}, Spec: policy.Spec}
		Expect(env.Client.Create(ctx, again)).To(Succeed())
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionProgrammed)).WithContext(ctx).Should(Equal("False Progressing"))

		for _, object := range owned() { // what the garbage collector would do
			Expect(env.Client.Delete(ctx, get(ctx, object, namespace, nameOf(ctx, object, namespace)))).To(Succeed())
		}
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
	})

	It("leaves alone a Service that someone else made", func(ctx context.Context) {
		namespace := newNamespace(ctx)
		foreign := &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: gatewayName},
			Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 5432}}, Selector: map[string]string{"app": "database"}},
		}
		Expect(env.Client.Create(ctx, foreign)).To(Succeed())
		create(ctx, manifests(quickstart, namespace)...)
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionProgrammed)).WithContext(ctx).Should(Equal("False Error"))
		policy := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support")
		Expect(message(policy.Status.Conditions, v1alpha1.ConditionProgrammed)).To(ContainSubstring("was not made for this policy: delete or rename it"))
		Expect(get(ctx, &corev1.Service{}, namespace, gatewayName).Spec.Selector).To(Equal(foreign.Spec.Selector))
	})

	It("puts right what someone changed in its objects and its status", func(ctx context.Context) {
		namespace := inService(ctx)
		deployment := get(ctx, &appsv1.Deployment{}, namespace, gatewayName)
		before := deployment.DeepCopy()
		deployment.Spec.Template.Spec.Containers[0].Image = "mine:latest"
		Expect(env.Client.Patch(ctx, deployment, client.MergeFrom(before))).To(Succeed())
		Eventually(func() string {
			return get(ctx, &appsv1.Deployment{}, namespace, gatewayName).Spec.Template.Spec.Containers[0].Image
		}).WithContext(ctx).Should(Equal("router:test"))

		policy := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support")
		lost := policy.DeepCopy()
		policy.Status = v1alpha1.RoutingPolicyStatus{}
		Expect(env.Client.Status().Patch(ctx, policy, client.MergeFrom(lost))).To(Succeed())
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))

		policy = get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support")
		truth, overwritten := policy.Status.DeepCopy(), policy.DeepCopy()
		for i := range policy.Status.Conditions {
			policy.Status.Conditions[i].Status, policy.Status.Conditions[i].Reason = metav1.ConditionFalse, "Mine"
		}
		policy.Status.ConfigDigest, policy.Status.TierNames = "sha256:mine", "mine"
		Expect(env.Client.Status().Patch(ctx, policy, client.MergeFrom(overwritten), client.FieldOwner("someone-else"))).To(Succeed())
		Eventually(func(g Gomega) {
			now := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support").Status
			g.Expect(states(now.Conditions)).To(Equal(states(truth.Conditions)))
			g.Expect(now.ConfigDigest).To(Equal(truth.ConfigDigest))
			g.Expect(now.TierNames).To(Equal(truth.TierNames))
		}).WithContext(ctx).Should(Succeed())
	})

	It("goes from a fixed number of replicas to autoscaling without a gap, and back", func(ctx context.Context) {
		namespace := inService(ctx)
		change(ctx, namespace, func(p *v1alpha1.RoutingPolicy) {
			p.Spec.Gateway.Replicas = nil
			p.Spec.Gateway.Autoscaling = &v1alpha1.GatewayAutoscaling{MinReplicas: new(int32(2)), MaxReplicas: 5}
		})
		Eventually(func() error {
			return env.Client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: gatewayName}, &autoscalingv2.HorizontalPodAutoscaler{})
		}).WithContext(ctx).Should(Succeed())
		Expect(*get(ctx, &appsv1.Deployment{}, namespace, gatewayName).Spec.Replicas).To(Equal(int32(2)))

		deployment := get(ctx, &appsv1.Deployment{}, namespace, gatewayName)
		before := deployment.DeepCopy()
		deployment.Spec.Replicas = new(int32(3)) // what the autoscaler does
		Expect(env.Client.Patch(ctx, deployment, client.MergeFrom(before))).To(Succeed())
		Eventually(acknowledged(ctx, namespace)).WithContext(ctx).Should(Equal(v1alpha1.RouterCount{Total: 3, Acknowledged: 3}))
		Consistently(func() int32 {
			return *get(ctx, &appsv1.Deployment{}, namespace, gatewayName).Spec.Replicas
		}).WithTimeout(2 * resync).Should(Equal(int32(3)))

		change(ctx, namespace, func(p *v1alpha1.RoutingPolicy) {
			p.Spec.Gateway.Autoscaling, p.Spec.Gateway.Replicas = nil, new(int32(0))
		})
		for _, object := range owned()[1:] {
			Eventually(func() bool {
				return apierrors.IsNotFound(env.Client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: gatewayName}, object))
			}).WithContext(ctx).Should(BeTrue(), "%T", object)
		}
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionProgrammed)).WithContext(ctx).Should(Equal("False NoReplicas"))
	})
})

// owned are the kinds of a policy's objects, the config first.
func owned() []client.Object {
	return []client.Object{
		&corev1.ConfigMap{}, &corev1.ServiceAccount{}, &appsv1.Deployment{}, &corev1.Service{},
		&policyv1.PodDisruptionBudget{}, &networkingv1.NetworkPolicy{},
	}
}

// configs are the ConfigMaps that were made for the policy.
func configs(ctx context.Context, namespace string) []corev1.ConfigMap {
	GinkgoHelper()
	var list corev1.ConfigMapList
	Expect(env.Client.List(ctx, &list, client.InNamespace(namespace), client.MatchingLabels(workload.ManagedLabels()))).To(Succeed())
	return list.Items
}

// nameOf is the name of the policy's only object of the kind.
func nameOf(ctx context.Context, object client.Object, namespace string) string {
	GinkgoHelper()
	if _, ok := object.(*corev1.ConfigMap); !ok {
		return gatewayName
	}
	list := configs(ctx, namespace)
	Expect(list).To(HaveLen(1))
	return list[0].Name
}

var _ = Describe("A reference", func() {
	It("to a Secret heals when the Secret appears", func(ctx context.Context) {
		namespace := newNamespace(ctx)
		rest, secret := without(manifests(quickstart, namespace), "Secret", "openai-key")
		create(ctx, rest...)
		Eventually(credentialState(ctx, namespace, "openai", v1alpha1.ConditionSecretResolved)).WithContext(ctx).Should(Equal("False SecretNotFound"))
		Eventually(tierState(ctx, namespace, "nano", v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("False NoUsableModel"))
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionResolvedRefs)).WithContext(ctx).Should(Equal("False SecretNotFound"))
		// The rest serves.
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionProgrammed)).WithContext(ctx).Should(Equal("True Programmed"))
		before := pods(ctx, namespace)

		create(ctx, secret)
		Eventually(credentialState(ctx, namespace, "openai", v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
		Eventually(tierState(ctx, namespace, "nano", v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
		for uid := range before { // the key came into the pod, not a pod for the key
			Expect(pods(ctx, namespace)).To(HaveKey(uid))
		}
	})

	It("to a tier that vanishes degrades the policy, which serves the rest and says so", func(ctx context.Context) {
		namespace := inService(ctx)
		tier := get(ctx, &v1alpha1.ModelTier{}, namespace, "nano")
		Expect(env.Client.Delete(ctx, tier)).To(Succeed())
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionResolvedRefs)).WithContext(ctx).Should(Equal("False TierNotFound"))
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionProgrammed)).WithContext(ctx).Should(Equal("True Programmed"))
		policy := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support")
		Expect(message(policy.Status.Conditions, v1alpha1.ConditionReady)).To(ContainSubstring("nano"))
		Expect(state(policy.Status.Conditions, "Reconciling")).To(Equal("True NotReady"))
		Eventually(eventReasons(ctx, namespace, "support")).WithContext(ctx).Should(ContainElement("Warning TierNotFound"))

		again := &v1alpha1.ModelTier{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "nano"}, Spec: tier.Spec}
		Expect(env.Client.Create(ctx, again)).To(Succeed())
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
	})

	It("to an empty key is told from one that is missing", func(ctx context.Context) {
		namespace := inService(ctx)
		secret := get(ctx, &corev1.Secret{}, namespace, "deepseek-key")
		secret.Data = map[string][]byte{"api-key": []byte(" \n")}
		Expect(env.Client.Update(ctx, secret)).To(Succeed())
		Eventually(credentialState(ctx, namespace, "deepseek", v1alpha1.ConditionSecretResolved)).WithContext(ctx).Should(Equal("False SecretKeyEmpty"))
		secret.Data = map[string][]byte{"other": []byte("key")}
		Expect(env.Client.Update(ctx, secret)).To(Succeed())
		Eventually(credentialState(ctx, namespace, "deepseek", v1alpha1.ConditionSecretResolved)).WithContext(ctx).Should(Equal("False SecretKeyNotFound"))
		Eventually(tierState(ctx, namespace, "mid", v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Degraded"))
	})
})

var _ = Describe("A key", func() {
	It("that the provider rejects is named, and one that takes over is used", func(ctx context.Context) {
		namespace := inService(ctx)
		secret := get(ctx, &corev1.Secret{}, namespace, "anthropic-key")
		rejected := "sk-rejected-" + namespace
		prober.reject(rejected)
		secret.Data["api-key"] = []byte(rejected)
		Expect(env.Client.Update(ctx, secret)).To(Succeed())
		Eventually(credentialState(ctx, namespace, "anthropic", v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("False NotReady"))
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionResolvedRefs)).WithContext(ctx).Should(Equal("False CredentialNotReady"))

		secret.Data["next"] = []byte("sk-next")
		Expect(env.Client.Update(ctx, secret)).To(Succeed())
		credential := get(ctx, &v1alpha1.ProviderCredential{}, namespace, "anthropic")
		before := credential.DeepCopy()
		credential.Spec.NextSecretRef = &v1alpha1.SecretKeyReference{Name: "anthropic-key", Key: "next"}
		Expect(env.Client.Patch(ctx, credential, client.MergeFrom(before))).To(Succeed())
		Eventually(credentialState(ctx, namespace, "anthropic", v1alpha1.ConditionAuthenticated)).WithContext(ctx).Should(Equal("True NextKeyInUse"))
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
	})

	It("of a client works within seconds of its Secret's change, and restarts nothing", func(ctx context.Context) {
		namespace := inService(ctx)
		before := pods(ctx, namespace)
		models := func(key string) int {
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+kubelet.trafficAddress(namespace)+"/v1/models", http.NoBody)
			Expect(err).NotTo(HaveOccurred())
			request.Header.Set("Authorization", "Bearer "+key)
			response, err := http.DefaultClient.Do(request)
			Expect(err).NotTo(HaveOccurred())
			Expect(response.Body.Close()).To(Succeed())
			return response.StatusCode
		}
		Expect(models("tsk-replace-me")).To(Equal(http.StatusOK))
		Expect(models("tsk-new")).To(Equal(http.StatusUnauthorized))

		secret := get(ctx, &corev1.Secret{}, namespace, "support-clients")
		secret.Data["mobile-app"] = []byte("tsk-new")
		Expect(env.Client.Update(ctx, secret)).To(Succeed())
		Eventually(func() int { return models("tsk-new") }).WithContext(ctx).WithTimeout(5 * time.Second).Should(Equal(http.StatusOK))
		Expect(pods(ctx, namespace)).To(Equal(before))
	})
})

var _ = Describe("A steady cluster", Serial, func() {
	It("costs not one write over ten resyncs", func(ctx context.Context) {
		namespace := inService(ctx)
		change(ctx, namespace, func(p *v1alpha1.RoutingPolicy) { // so that resyncs meet rounds of measuring
			p.Spec.Routes[len(p.Spec.Routes)-1].Shift.Interval = &metav1.Duration{Duration: shiftInterval}
		})
		// Routes of other stories have an interval of minutes, after which it is said
		// once that they have no traffic. It begins with the operator: this story is over
		// by then.
		own()
		o := start(setup{})
		DeferCleanup(o.end)
		Eventually(func() string { return routeStatus(ctx, namespace).Reason }).WithContext(ctx).Should(Equal("NoTraffic"))
		Eventually(func() int64 { // what other stories began is done
			before := o.requests.writes.Load()
			time.Sleep(2 * resync)
			return o.requests.writes.Load() - before
		}).WithContext(ctx).Should(BeZero())

		before, read := o.requests.writes.Load(), o.requests.reads.Load()
		time.Sleep(10 * resync)
		Expect(o.requests.since(before)).To(BeEmpty())
		AddReportEntry("reads meanwhile", fmt.Sprint(o.requests.reads.Load()-read))
	})
})
