package e2e

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/workload"
)

var _ = Describe("A policy on a cluster", Ordered, func() {
	var namespace string

	BeforeAll(func(ctx context.Context) {
		namespace = newNamespace(ctx)
		runAgent(ctx, namespace, "providers", "providers")
		runAgent(ctx, namespace, "application", "application", fmt.Sprintf("-url=http://%s:%d", gatewayName, v1alpha1.DefaultGatewayPort), "-key="+clientKey)
	})

	JustAfterEach(func(ctx context.Context) {
		if CurrentSpecReport().Failed() {
			kubectl(ctx, "-n", namespace, "get", "pods,routingpolicies,modeltiers,providercredentials,events")
			kubectl(ctx, "-n", namespace, "describe", "routingpolicy")
			kubectl(ctx, "-n", systemNamespace, "logs", "--tail=50", "--prefix", "-l", "app.kubernetes.io/component=operator")
		}
	})

	It("gets Ready, as kubectl wait has it", func(ctx context.Context) {
		started := time.Now()
		apply(ctx, quickstart(namespace)...)
		kubectl(ctx, "-n", namespace, "wait", "--for=condition=Ready", "routingpolicy/support", "--timeout="+patience.String())
		AddReportEntry("Ready after", time.Since(started).Round(time.Millisecond).String())
		kubectl(ctx, "-n", namespace, "wait", "--for=condition=Ready", "providercredential", "--all", "--timeout=10s")
		kubectl(ctx, "-n", namespace, "wait", "--for=condition=Ready", "modeltier", "--all", "--timeout=10s")
		Expect(kubectl(ctx, "-n", namespace, "get", "routingpolicies")).To(MatchRegexp(`support\s+True`))
	})

	It("answers an OpenAI SDK through its Service", func(ctx context.Context) {
		Eventually(acknowledged(ctx, namespace)).WithContext(ctx).Should(Equal(v1alpha1.RouterCount{Total: 2, Acknowledged: 2}))
		for _, test := range []struct{ path, model, prompt, tier string }{
			{"/api/classify-ticket", "auto", "Which queue?", "nano"},
			{"/api/code-review", "auto", "func main() {}", "flagship"},
			{"", "auto", "Which dosage is safe for a child?", "flagship"},
			{"", "tier:mid", "Summarize this.", "mid"},
		} {
			got := ask(ctx, namespace, test.path, test.model, test.prompt)
			Expect(got.Error).To(BeEmpty(), test.prompt)
			Expect(got.Tier).To(Equal(test.tier), test.prompt)
			Expect(got.Text).NotTo(BeEmpty(), test.prompt)
			Expect(got.CostUSD).To(MatchRegexp(`^0\.\d*[1-9]`), test.prompt)
		}
	})

	It("shows a change at every router within five seconds, and restarts none", func(ctx context.Context) {
		before := routers(ctx, namespace)
		var took []time.Duration
		for n := range int32(10) {
			change(ctx, namespace, func(p *v1alpha1.RoutingPolicy) { p.Spec.Fallback.MaxAttempts = new(2 + n%2) })
			generation := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support").Generation
			started := time.Now()
			Eventually(func() int64 { return leastGeneration(ctx, namespace, before) }).WithContext(ctx).
				WithPolling(50 * time.Millisecond).Should(Equal(generation))
			took = append(took, time.Since(started))
			Eventually(condition(ctx, namespace, v1alpha1.ConditionProgrammed)).WithContext(ctx).Should(Equal("True Programmed"))
		}
		slices.Sort(took)
		AddReportEntry("ten changes", fmt.Sprintf("least %s, median %s, most %s", took[0], took[len(took)/2], took[len(took)-1]))
		Expect(took[len(took)-1]).To(BeNumerically("<", promptly))
		Expect(identities(routers(ctx, namespace))).To(Equal(identities(before)))
	})

	It("writes nothing while nothing changes", func(ctx context.Context) {
		before := versions(ctx, namespace)
		Consistently(func() map[string]string { return versions(ctx, namespace) }).WithContext(ctx).
			WithTimeout(75 * time.Second).WithPolling(5 * time.Second).Should(Equal(before)) // longer than routers are left alone
	})

	It("uses a new key without a restart and without losing a request", func(ctx context.Context) {
		before := routers(ctx, namespace)
		underLoad(ctx, namespace, "a key rotated", func() {
			provider(ctx, namespace, "openai", 0, "sk-replace-me", "sk-second")
			secret := get(ctx, &corev1.Secret{}, namespace, "openai-key")
			secret.Data["api-key"] = []byte("sk-second")
			Expect(api.Update(ctx, secret)).To(Succeed())
			started := time.Now()
			Eventually(func() bool {
				used := keysUsed(ctx, namespace, "openai")
				return used["sk-second"] > 0 && used["sk-replace-me"] == 0
			}).WithContext(ctx).WithPolling(500 * time.Millisecond).Should(BeTrue())
			AddReportEntry("the new key alone is used after", time.Since(started).Round(time.Millisecond).String())
			provider(ctx, namespace, "openai", 0, "sk-second") // the old one is worth nothing now
			time.Sleep(3 * time.Second)
		})
		Expect(identities(routers(ctx, namespace))).To(Equal(identities(before)))
	})

	It("goes on when a provider goes down", func(ctx context.Context) {
		underLoad(ctx, namespace, "a provider went down and came back", func() {
			provider(ctx, namespace, "openai", http.StatusServiceUnavailable)
			time.Sleep(5 * time.Second)
			got := ask(ctx, namespace, "/api/classify-ticket", "auto", "Which queue?")
			Expect(got.Error).To(BeEmpty())
			Expect(got.Tier).To(Equal("mid"), "one tier up answers")
			provider(ctx, namespace, "openai", 0)
			Eventually(func() string { return ask(ctx, namespace, "/api/classify-ticket", "auto", "Which queue?").Tier }).
				WithContext(ctx).Should(Equal("nano"))
		})
	})

	It("serves the rest when a tier vanishes, says so, and heals", func(ctx context.Context) {
		mid := of(quickstart(namespace), "ModelTier", "mid")
		underLoad(ctx, namespace, "a tier vanished and came back", func() {
			kubectl(ctx, "-n", namespace, "delete", "modeltier", "mid")
			Eventually(condition(ctx, namespace, v1alpha1.ConditionResolvedRefs)).WithContext(ctx).Should(Equal("False TierNotFound"))
			time.Sleep(2 * time.Second)
			apply(ctx, mid)
			Eventually(condition(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
		})
		Expect(kubectl(ctx, "-n", namespace, "describe", "routingpolicy", "support")).To(And(ContainSubstring("TierNotFound"), ContainSubstring("mid")))
	})

	It("loses no request while its routers are replaced", func(ctx context.Context) {
		before := identities(routers(ctx, namespace))
		underLoad(ctx, namespace, "the routers were replaced", func() {
			change(ctx, namespace, func(p *v1alpha1.RoutingPolicy) {
				p.Spec.Gateway.Resources = &corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("11m")}}
			})
			Eventually(func(g Gomega) {
				var d appsv1.Deployment
				g.Expect(api.Get(ctx, types.NamespacedName{Namespace: namespace, Name: gatewayName}, &d)).To(Succeed())
				requests := d.Spec.Template.Spec.Containers[0].Resources.Requests
				g.Expect(requests.Cpu().String()).To(Equal("11m"))
			}).WithContext(ctx).Should(Succeed())
			kubectl(ctx, "-n", namespace, "rollout", "status", "deployment/"+gatewayName, "--timeout="+patience.String())
			Eventually(func() int { // the last of the old ones has drained
				var list corev1.PodList
				Expect(api.List(ctx, &list, client.InNamespace(namespace), client.MatchingLabels(workload.SelectorLabels("support")))).To(Succeed())
				return len(list.Items)
			}).WithContext(ctx).Should(Equal(2))
		})
		Eventually(condition(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
		for name := range identities(routers(ctx, namespace)) {
			Expect(before).NotTo(HaveKey(name))
		}
	})

	It("gets what it asks for although the operator dies, and serves meanwhile", func(ctx context.Context) {
		underLoad(ctx, namespace, "the operator was killed and a policy changed", func() {
			kubectl(ctx, "-n", systemNamespace, "delete", "pod", "-l", "app.kubernetes.io/component=operator", "--force", "--grace-period=0")
			killed := time.Now()
			change(ctx, namespace, func(p *v1alpha1.RoutingPolicy) { p.Spec.DefaultTier = "flagship" })
			generation := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support").Generation
			Eventually(func() int64 { return leastGeneration(ctx, namespace, routers(ctx, namespace)) }).WithContext(ctx).Should(Equal(generation))
			AddReportEntry("the change is served, after the kill", time.Since(killed).Round(time.Millisecond).String())
			Eventually(condition(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
		})
		kubectl(ctx, "-n", systemNamespace, "rollout", "status", "deployment/"+operatorName, "--timeout="+patience.String())
	})

	It("takes with it what was made for it, and nothing else", func(ctx context.Context) {
		const madeForIt = "app.kubernetes.io/managed-by=tiershift"
		users := names(ctx, namespace, "secrets,providercredentials,modeltiers", "-l", "!app.kubernetes.io/managed-by")
		kubectl(ctx, "-n", namespace, "delete", "routingpolicy", "support", "--timeout="+patience.String())
		Eventually(func() string {
			return names(ctx, namespace, "configmaps,secrets,serviceaccounts,services,deployments,replicasets,pods,poddisruptionbudgets,networkpolicies", "-l", madeForIt)
		}).WithContext(ctx).Should(BeEmpty())
		Expect(names(ctx, namespace, "secrets,providercredentials,modeltiers")).To(Equal(users))
		Expect(users).To(ContainSubstring("secret/openai-key"))
	})
})

var _ = Describe("The installation", func() {
	It("runs two operators, and the cluster takes what kustomize renders too", func(ctx context.Context) {
		kubectl(ctx, "apply", "--dry-run=server", "-o", "name", "-k", "../../config/default")
		Expect(kubectl(ctx, "-n", systemNamespace, "get", "deployment", operatorName, "-o", "jsonpath={.status.readyReplicas}")).To(Equal("2"))
	})
})

func names(ctx context.Context, namespace, kinds string, args ...string) string {
	GinkgoHelper()
	return strings.TrimSpace(strings.TrimPrefix(kubectl(ctx, append([]string{"-n", namespace, "get", kinds, "-o", "name"}, args...)...), "No resources found"))
}

// identities are the pods with how often their containers were started.
func identities(pods []corev1.Pod) map[string]string {
	seen := map[string]string{}
	for i := range pods {
		restarts := int32(0)
		for j := range pods[i].Status.ContainerStatuses {
			restarts += pods[i].Status.ContainerStatuses[j].RestartCount
		}
		seen[pods[i].Name] = fmt.Sprintf("%s %d", pods[i].UID, restarts)
	}
	return seen
}

// versions are of everything that the operator may write to in the namespace.
func versions(ctx context.Context, namespace string) map[string]string {
	GinkgoHelper()
	seen := map[string]string{}
	for _, list := range []client.ObjectList{
		&v1alpha1.RoutingPolicyList{}, &v1alpha1.ModelTierList{}, &v1alpha1.ProviderCredentialList{},
		&appsv1.DeploymentList{}, &corev1.ServiceList{}, &corev1.ConfigMapList{}, &corev1.PodList{}, &corev1.SecretList{},
	} {
		Expect(api.List(ctx, list, client.InNamespace(namespace))).To(Succeed())
		maps.Copy(seen, versionsOf(list))
	}
	return seen
}

func versionsOf(list client.ObjectList) map[string]string {
	GinkgoHelper()
	seen := map[string]string{}
	items, err := metaItems(list)
	Expect(err).NotTo(HaveOccurred())
	for _, item := range items {
		version := item.GetResourceVersion()
		switch item.(type) {
		case *corev1.Pod, *appsv1.Deployment:
			// Their status is others', who write it whenever a node is busy.
			version = fmt.Sprint(item.GetGeneration(), item.GetAnnotations(), item.GetLabels())
		}
		seen[fmt.Sprintf("%T %s", item, item.GetName())] = version
	}
	return seen
}

func acknowledged(ctx context.Context, namespace string) func(Gomega) v1alpha1.RouterCount {
	return func(g Gomega) v1alpha1.RouterCount {
		var policy v1alpha1.RoutingPolicy
		g.Expect(api.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "support"}, &policy)).To(Succeed())
		g.Expect(policy.Status.Gateway).NotTo(BeNil())
		return *policy.Status.Gateway.Replicas
	}
}

// metaItems are the objects of a list.
func metaItems(list client.ObjectList) ([]metav1.Object, error) {
	var items []metav1.Object
	err := meta.EachListItem(list, func(o runtime.Object) error {
		accessor, err := meta.Accessor(o)
		items = append(items, accessor)
		return err
	})
	return items, err
}
