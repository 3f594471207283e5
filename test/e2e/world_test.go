package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/workload"
)

const (
	agentPort   = 8080
	gatewayName = "support-gateway"
	clientKey   = "tsk-replace-me" // of the quickstart
)

// runAgent runs the agent as a pod with a Service of the same name.
func runAgent(ctx context.Context, namespace, name string, args ...string) {
	GinkgoHelper()
	labels := map[string]string{"app": name}
	Expect(api.Create(ctx, &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       corev1.ServiceSpec{Selector: labels, Ports: []corev1.ServicePort{{Port: agentPort}}},
	})).To(Succeed())
	Expect(api.Create(ctx, &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels},
		Spec: corev1.PodSpec{
			AutomountServiceAccountToken: new(false),
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: new(true), RunAsUser: new(int64(65532)), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{
				Name: "agent", Image: images["agent"].String(), ImagePullPolicy: corev1.PullIfNotPresent, Args: args,
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
				ReadinessProbe: &corev1.Probe{
					ProbeHandler:  corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromInt32(agentPort)}},
					PeriodSeconds: 1,
				},
			}},
		},
	})).To(Succeed())
	kubectl(ctx, "-n", namespace, "wait", "--for=condition=Ready", "pod/"+name, "--timeout="+patience.String())
}

// quickstart is the sample, with the providers of the namespace in place of the real
// ones.
func quickstart(namespace string) []*unstructured.Unstructured {
	GinkgoHelper()
	data, err := os.ReadFile("../../config/samples/quickstart/quickstart.yaml")
	Expect(err).NotTo(HaveOccurred())
	var list []*unstructured.Unstructured
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(object)
		if errors.Is(err, io.EOF) {
			return list
		}
		Expect(err).NotTo(HaveOccurred())
		object.SetNamespace(namespace)
		if object.GetKind() == "ProviderCredential" {
			endpoint := fmt.Sprintf("http://providers.%s.svc:%d/%s/v1", namespace, agentPort, object.GetName())
			Expect(unstructured.SetNestedField(object.Object, endpoint, "spec", "endpoint")).To(Succeed())
		}
		list = append(list, object)
	}
}

// apply is kubectl apply, which is what a user does.
func apply(ctx context.Context, list ...*unstructured.Unstructured) {
	GinkgoHelper()
	var file bytes.Buffer
	for _, object := range list {
		document, err := json.Marshal(object.Object)
		Expect(err).NotTo(HaveOccurred())
		file.Write(append(document, '\n'))
	}
	name := GinkgoT().TempDir() + "/objects.json"
	Expect(os.WriteFile(name, file.Bytes(), 0o600)).To(Succeed())
	kubectl(ctx, "apply", "-f", name)
}

// of is the object of that kind and name in the list.
func of(list []*unstructured.Unstructured, kind, name string) *unstructured.Unstructured {
	GinkgoHelper()
	for _, object := range list {
		if object.GetKind() == kind && object.GetName() == name {
			return object
		}
	}
	Fail("there is no " + kind + " " + name)
	return nil
}

func get[T client.Object](ctx context.Context, into T, namespace, name string) T {
	GinkgoHelper()
	Expect(api.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, into)).To(Succeed())
	return into
}

// change updates the policy by fn.
func change(ctx context.Context, namespace string, fn func(*v1alpha1.RoutingPolicy)) {
	GinkgoHelper()
	policy := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support")
	before := policy.DeepCopy()
	fn(policy)
	Expect(api.Patch(ctx, policy, client.MergeFrom(before))).To(Succeed())
}

// condition returns a function that reads a condition of the policy as "True
// Ready", for Eventually. What was said of an earlier generation does not count.
func condition(ctx context.Context, namespace, kind string) func(Gomega) string {
	return func(g Gomega) string {
		var policy v1alpha1.RoutingPolicy
		g.Expect(api.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "support"}, &policy)).To(Succeed())
		for _, c := range policy.Status.Conditions {
			if c.Type == kind && c.ObservedGeneration == policy.Generation {
				return string(c.Status) + " " + c.Reason
			}
		}
		return ""
	}
}

// routers are the gateway's pods that are to stay.
func routers(ctx context.Context, namespace string) []corev1.Pod {
	GinkgoHelper()
	var list corev1.PodList
	Expect(api.List(ctx, &list, client.InNamespace(namespace), client.MatchingLabels(workload.SelectorLabels("support")))).To(Succeed())
	var pods []corev1.Pod
	for i := range list.Items {
		if list.Items[i].DeletionTimestamp.IsZero() {
			pods = append(pods, list.Items[i])
		}
	}
	return pods
}

// leastGeneration is the least generation that any router serves, as they say
// themselves; 0 when one does not answer.
func leastGeneration(ctx context.Context, namespace string, pods []corev1.Pod) int64 {
	least := int64(0)
	for i := range pods {
		data, err := inPod(ctx, namespace, pods[i].Name, workload.AdminPort, http.MethodGet, "config", nil, nil)
		var said struct {
			Generation int64 `json:"generation"`
		}
		if err != nil || json.Unmarshal(data, &said) != nil {
			return 0
		}
		if least == 0 || said.Generation < least {
			least = said.Generation
		}
	}
	return least
}

// answer is what the application got for one request.
type answer struct {
	Status                                           int
	Text, Error, Route, Tier, Model, Reason, CostUSD string
}

func ask(ctx context.Context, namespace, path, model, prompt string) answer {
	GinkgoHelper()
	data, err := inPod(ctx, namespace, "application", agentPort, http.MethodGet, "ask", map[string]string{"path": path, "model": model, "prompt": prompt}, nil)
	Expect(err).NotTo(HaveOccurred())
	var said map[string]any
	Expect(json.Unmarshal(data, &said)).To(Succeed())
	text := func(name string) string { s, _ := said[name].(string); return s }
	status, _ := said["status"].(float64)
	return answer{
		Status: int(status), Text: text("text"), Error: text("error"), Route: text("x-tiershift-route"), Tier: text("x-tiershift-tier"),
		Model: text("x-tiershift-model"), Reason: text("x-tiershift-reason"), CostUSD: text("x-tiershift-cost-usd"),
	}
}

// load is what came of the application's requests.
type load struct {
	Answered, Streamed, Failed int
	Failures                   []string
	SlowestMilliseconds        int64
}

func loading(ctx context.Context, namespace, verb string) load {
	GinkgoHelper()
	data, err := inPod(ctx, namespace, "application", agentPort, verb, "load", nil, nil)
	Expect(err).NotTo(HaveOccurred())
	var l load
	if len(data) > 0 {
		Expect(json.Unmarshal(data, &l)).To(Succeed())
	}
	return l
}

// underLoad runs fn while the application asks, and fails the story if the gateway
// lost as much as one request.
func underLoad(ctx context.Context, namespace, what string, fn func()) {
	GinkgoHelper()
	loading(ctx, namespace, http.MethodPut)
	Eventually(func() int { return loading(ctx, namespace, http.MethodGet).Answered }).WithContext(ctx).Should(BeNumerically(">", 20))
	fn()
	l := loading(ctx, namespace, http.MethodDelete)
	AddReportEntry(what, fmt.Sprintf("%d answered, %d of them streams, %d failed, the slowest in %d ms", l.Answered, l.Streamed, l.Failed, l.SlowestMilliseconds))
	Expect(l.Failures).To(BeEmpty())
	Expect(l.Failed).To(BeZero())
}

// provider tells the simulated account how to behave.
func provider(ctx context.Context, namespace, account string, status int, keys ...string) {
	GinkgoHelper()
	_, err := inPod(ctx, namespace, "providers", agentPort, http.MethodPut, "control/"+account, nil, map[string]any{"status": status, "keys": keys})
	Expect(err).NotTo(HaveOccurred())
}

// keysUsed counts the requests that the account had by key, since it was last asked.
func keysUsed(ctx context.Context, namespace, account string) map[string]int {
	GinkgoHelper()
	data, err := inPod(ctx, namespace, "providers", agentPort, http.MethodGet, "control/"+account, nil, nil)
	Expect(err).NotTo(HaveOccurred())
	var said struct{ Keys map[string]int }
	Expect(json.Unmarshal(data, &said)).To(Succeed())
	return said.Keys
}
