package integration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/workload"
)

// exactlyOne expects one object of each kind for the policy of the namespace.
func exactlyOne(ctx context.Context, namespace string) {
	GinkgoHelper()
	for _, list := range []client.ObjectList{&corev1.ServiceAccountList{}, &appsv1.DeploymentList{}, &corev1.ServiceList{}, &corev1.ConfigMapList{}} {
		Expect(env.Client.List(ctx, list, client.InNamespace(namespace), client.MatchingLabels(workload.ManagedLabels()))).To(Succeed())
		items, err := meta.ExtractList(list)
		Expect(err).NotTo(HaveOccurred())
		Expect(items).To(HaveLen(1), "%T", list)
	}
}

var _ = Describe("Operators", Serial, func() {
	It("that are two act one after the other", func(ctx context.Context) {
		own()
		first := start(setup{elect: true})
		namespace := inService(ctx)
		second := start(setup{elect: true})
		change(ctx, namespace, func(p *v1alpha1.RoutingPolicy) { p.Spec.DefaultTier = "flagship" })
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
		Consistently(second.requests.writes.Load).WithTimeout(2 * resync).Should(BeZero())

		first.end()
		DeferCleanup(second.end)
		written := first.requests.writes.Load()
		generation := change(ctx, namespace, func(p *v1alpha1.RoutingPolicy) { p.Spec.DefaultTier = "nano" })
		Eventually(func() int64 {
			return get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support").Status.ObservedGeneration
		}).WithContext(ctx).Should(Equal(generation))
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
		Expect(second.requests.writes.Load()).To(BeNumerically(">", 0))
		Expect(first.requests.writes.Load()).To(Equal(written))
		exactlyOne(ctx, namespace)
	})

	It("do not ask first whether an object is there that they are to make", func(ctx context.Context) {
		own()
		var mu sync.Mutex
		asked := map[string]int{}
		o := start(setup{around: func(next http.RoundTripper) http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				mu.Lock()
				asked[r.URL.Path]++
				mu.Unlock()
				return next.RoundTrip(r)
			})
		}})
		DeferCleanup(o.end)
		namespace := inService(ctx)
		mu.Lock()
		defer mu.Unlock()
		objects, requests := 0, 0
		for path, n := range asked {
			_, object, here := strings.Cut(path, "/namespaces/"+namespace+"/")
			if here && strings.Contains(object, "/"+gatewayName) && !strings.HasPrefix(object, "pods/") {
				objects++
				requests += n
			}
		}
		Expect(objects).To(Equal(6), "%v", asked)
		// Now and then the cache has not seen yet what was made a moment ago.
		Expect(requests).To(BeNumerically("<=", objects+objects/2), "%v", asked)
	})

	It("that die in the middle of a roll-out are succeeded by others that end it", func(ctx context.Context) {
		own()
		namespace := newNamespace(ctx)
		create(ctx, manifests(quickstart, namespace)...)
		for _, lives := range []int64{1, 2, 3, 4, 5} {
			dieAfter(ctx, lives)
		}
		heir := start(setup{})
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
		Eventually(acknowledged(ctx, namespace)).WithContext(ctx).Should(Equal(v1alpha1.RouterCount{Total: 2, Acknowledged: 2}))
		exactlyOne(ctx, namespace)
		heir.end()

		// The same with a key more, which needs other pods.
		newKey(ctx, namespace)
		for _, lives := range []int64{1, 3} {
			dieAfter(ctx, lives)
		}
		heir = start(setup{})
		DeferCleanup(heir.end)
		Eventually(func() int { return len(configs(ctx, namespace)) }).WithContext(ctx).Should(Equal(1))
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
		exactlyOne(ctx, namespace)
	})

	It("get through faults of the API server, and make nothing twice", func(ctx context.Context) {
		own()
		faults := &faulty{random: rand.New(rand.NewSource(GinkgoRandomSeed())), percent: 40}
		o := start(setup{around: faults.around})
		DeferCleanup(o.end)
		namespace := inService(ctx)
		change(ctx, namespace, func(p *v1alpha1.RoutingPolicy) { p.Spec.DefaultTier = "flagship" })
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
		newKey(ctx, namespace)
		Eventually(func() string { return get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support").Status.ConfigDigest }).
			WithContext(ctx).Should(Equal(configDigestWith(ctx, namespace, "mistral")))
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
		Eventually(func() int { return len(configs(ctx, namespace)) }).WithContext(ctx).Should(Equal(1))
		exactlyOne(ctx, namespace)
		Expect(faults.kinds()).To(HaveLen(len(faultKinds)), "not every fault happened")
	})

	It("of chosen namespaces read nothing of others", func(ctx context.Context) {
		own()
		namespace, other := newNamespace(ctx), newNamespace(ctx)
		create(ctx, manifests(quickstart, namespace)...)
		create(ctx, manifests(quickstart, other)...)
		const user = "tiershift-limited" // may do nothing outside the namespace
		Expect(env.Client.Create(ctx, &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: user},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "tiershift-operator"},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
		})).To(Succeed())
		var mu sync.Mutex
		var strays []string
		o := start(setup{user: user, namespaces: []string{namespace}, around: func(next http.RoundTripper) http.RoundTripper {
			return roundTrip(func(r *http.Request) (*http.Response, error) {
				discovery := strings.Count(r.URL.Path, "/") <= 3
				if !discovery && !strings.Contains(r.URL.Path, "/namespaces/"+namespace+"/") {
					mu.Lock()
					strays = append(strays, r.URL.Path)
					mu.Unlock()
				}
				return next.RoundTrip(r)
			})
		}})
		DeferCleanup(o.end)
		Eventually(policyState(ctx, namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
		Expect(get(ctx, &v1alpha1.RoutingPolicy{}, other, "support").Status.Conditions).To(BeEmpty())
		mu.Lock()
		defer mu.Unlock()
		Expect(strays).To(BeEmpty())
	})
})

// dieAfter runs an operator that dies after so many writes.
func dieAfter(ctx context.Context, lives int64) {
	GinkgoHelper()
	var writes atomic.Int64
	dying := start(setup{around: func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(r *http.Request) (*http.Response, error) {
			if isWrite(r) && writes.Add(1) > lives {
				return nil, errors.New("the operator is gone")
			}
			return next.RoundTrip(r)
		})
	}})
	defer dying.end()
	Eventually(writes.Load).WithContext(ctx).Should(BeNumerically(">", lives))
}

// configDigestWith waits for the ConfigMap whose config names the provider, and
// returns its digest.
func configDigestWith(ctx context.Context, namespace, provider string) (digest string) {
	GinkgoHelper()
	Eventually(func() string {
		for _, config := range configs(ctx, namespace) {
			if strings.Contains(config.Data[workload.ConfigKey], fmt.Sprintf("%q", provider)) {
				digest = config.Annotations[workload.ConfigDigestAnnotation]
			}
		}
		return digest
	}).WithContext(ctx).ShouldNot(BeEmpty())
	return digest
}

// faultKinds are what a request to a troubled API server may come to. The last
// takes effect, and only its answer is lost.
var faultKinds = []string{"409 Conflict", "429 Too Many Requests", "500 Internal Server Error", "503 Service Unavailable", "timeout", "answer lost"}

// faulty is a troubled API server.
type faulty struct {
	percent int

	mu     sync.Mutex
	random *rand.Rand
	seen   map[string]int
}

func (f *faulty) kinds() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen
}

// next is the fault of the next request; "" when there is none.
func (f *faulty) next() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.random.Intn(100) >= f.percent {
		return ""
	}
	kind := faultKinds[f.random.Intn(len(faultKinds))]
	if f.seen == nil {
		f.seen = map[string]int{}
	}
	f.seen[kind]++
	return kind
}

var errTimeout = errors.New("net/http: timeout awaiting response headers")

func (f *faulty) around(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if !isWrite(r) {
			return next.RoundTrip(r)
		}
		switch kind := f.next(); kind {
		case "":
			return next.RoundTrip(r)
		case "timeout":
			return nil, errTimeout
		case "answer lost":
			response, err := next.RoundTrip(r)
			if err == nil {
				err = errors.Join(errTimeout, response.Body.Close())
			}
			return nil, err
		default:
			return refusal(r, kind), nil
		}
	})
}

// refusal is an answer as the API server gives it.
func refusal(r *http.Request, kind string) *http.Response {
	var code int
	_, _ = fmt.Sscan(kind, &code) // all kinds that come here begin with one
	reason := map[int]metav1.StatusReason{
		409: metav1.StatusReasonConflict, 429: metav1.StatusReasonTooManyRequests, 500: metav1.StatusReasonInternalError, 503: metav1.StatusReasonServiceUnavailable,
	}[code]
	body := fmt.Sprintf(`{"kind":"Status","apiVersion":"v1","status":"Failure","message":"the story says %s","reason":%q,"code":%d}`, kind, reason, code)
	return &http.Response{
		StatusCode: code, Status: kind, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}, "Date": {time.Now().UTC().Format(http.TimeFormat)}},
		Body:   io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}
