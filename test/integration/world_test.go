package integration

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand"
	"os"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/controller/credential"
)

const quickstart = "../../config/samples/quickstart/quickstart.yaml"

// fakeProber accepts every key but those that a test rejects.
type fakeProber struct {
	mu       sync.Mutex
	rejected map[string]bool
}

func (p *fakeProber) reject(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rejected == nil {
		p.rejected = map[string]bool{}
	}
	p.rejected[key] = true
}

func (p *fakeProber) ListModels(_ context.Context, account credential.Account) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rejected[account.Key] {
		return 0, &credential.RejectedError{Status: 401}
	}
	return 3, nil
}

// newNamespace is one that no other story uses.
func newNamespace(ctx context.Context) string {
	GinkgoHelper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "story-"}}
	Expect(env.Client.Create(ctx, namespace)).To(Succeed())
	return namespace.Name
}

// manifests are the documents of a file, for the namespace.
func manifests(file, namespace string) []*unstructured.Unstructured {
	GinkgoHelper()
	data, err := os.ReadFile(file)
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
		list = append(list, object)
	}
}

// shuffled applies the objects in an order of chance, which Ginkgo's seed repeats.
func shuffled(list []*unstructured.Unstructured) []*unstructured.Unstructured {
	rand.New(rand.NewSource(GinkgoRandomSeed())).Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

func create(ctx context.Context, list ...*unstructured.Unstructured) {
	GinkgoHelper()
	for _, object := range list {
		Expect(env.Client.Create(ctx, object.DeepCopy())).To(Succeed(), "%s %s", object.GetKind(), object.GetName())
	}
}

// without leaves out the object of that kind and name, and returns it.
func without(list []*unstructured.Unstructured, kind, name string) (rest []*unstructured.Unstructured, left *unstructured.Unstructured) {
	GinkgoHelper()
	for _, object := range list {
		if object.GetKind() == kind && object.GetName() == name {
			left = object
		} else {
			rest = append(rest, object)
		}
	}
	Expect(left).NotTo(BeNil())
	return rest, left
}

// get reads an object as it stands.
func get[T client.Object](ctx context.Context, into T, namespace, name string) T {
	GinkgoHelper()
	Expect(env.Client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, into)).To(Succeed())
	return into
}

// state is a condition in short, "True Ready", or "" when there is none.
func state(list []metav1.Condition, kind string) string {
	for _, c := range list {
		if c.Type == kind {
			return string(c.Status) + " " + c.Reason
		}
	}
	return ""
}

// states are all conditions, each as [state] says it.
func states(list []metav1.Condition) map[string]string {
	said := map[string]string{}
	for _, c := range list {
		said[c.Type] = state(list, c.Type)
	}
	return said
}

func message(list []metav1.Condition, kind string) string {
	for _, c := range list {
		if c.Type == kind {
			return c.Message
		}
	}
	return ""
}

// policyState returns a function that reads a condition of the policy, for
// Eventually.
func policyState(ctx context.Context, namespace, kind string) func(Gomega) string {
	return func(g Gomega) string {
		var policy v1alpha1.RoutingPolicy
		g.Expect(env.Client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: "support"}, &policy)).To(Succeed())
		g.Expect(policy.Status.ObservedGeneration).To(Equal(policy.Generation))
		return state(policy.Status.Conditions, kind)
	}
}

func tierState(ctx context.Context, namespace, name, kind string) func(Gomega) string {
	return func(g Gomega) string {
		var tier v1alpha1.ModelTier
		g.Expect(env.Client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, &tier)).To(Succeed())
		return state(tier.Status.Conditions, kind)
	}
}

func credentialState(ctx context.Context, namespace, name, kind string) func(Gomega) string {
	return func(g Gomega) string {
		var credential v1alpha1.ProviderCredential
		g.Expect(env.Client.Get(ctx, types.NamespacedName{Namespace: namespace, Name: name}, &credential)).To(Succeed())
		return state(credential.Status.Conditions, kind)
	}
}

// eventReasons returns a function that lists the Events about an object, each as
// "Warning TierNotFound".
func eventReasons(ctx context.Context, namespace, name string) func(Gomega) []string {
	return func(g Gomega) []string {
		var list eventsv1.EventList
		g.Expect(env.Client.List(ctx, &list, client.InNamespace(namespace))).To(Succeed())
		var reasons []string
		for i := range list.Items {
			if list.Items[i].Regarding.Name == name {
				reasons = append(reasons, list.Items[i].Type+" "+list.Items[i].Reason)
			}
		}
		return reasons
	}
}
