package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/simulator"
	"github.com/tiershift/tiershift/internal/testprometheus"
)

// pace is how much faster than the real clock the operator's runs in stories of
// shifts: ten seconds, the least interval that the API takes, pass in two.
const pace = 5

// fastClock is a clock that runs at pace.
type fastClock struct{ start time.Time }

func (c fastClock) now() time.Time { return c.start.Add(pace * time.Since(c.start)) }

func (c fastClock) wait(d time.Duration) time.Duration { return d / pace }

// operator is how an operator lives by the clock.
func (c fastClock) operator() setup { return setup{now: c.now, wait: c.wait} }

func (c fastClock) real(at time.Time) time.Time { return c.start.Add(at.Sub(c.start) / pace) }

// prometheusAt lets a Prometheus, which has no other clock than the real one, be
// asked by the fast one.
type prometheusAt struct {
	*httptest.Server
	clock fastClock
	// behind is the real Prometheus; nil: there is an outage.
	behind atomic.Pointer[url.URL]
}

func newPrometheusAt(clock fastClock) *prometheusAt {
	p := &prometheusAt{clock: clock}
	p.Server = httptest.NewServer(p)
	DeferCleanup(p.Close)
	return p
}

var ranges = regexp.MustCompile(`\[(\d+)s\]`)

func (p *prometheusAt) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	behind := p.behind.Load()
	if behind == nil {
		http.Error(w, "the story says that Prometheus is down", http.StatusServiceUnavailable)
		return
	}
	_ = r.ParseForm() // what cannot be parsed Prometheus refuses
	seconds, _ := strconv.ParseFloat(r.Form.Get("time"), 64)
	at := p.clock.real(time.UnixMilli(int64(seconds * 1000)))
	r.Form.Set("time", strconv.FormatFloat(float64(at.UnixMilli())/1000, 'f', 3, 64))
	r.Form.Set("query", ranges.ReplaceAllStringFunc(r.Form.Get("query"), func(s string) string {
		n, _ := strconv.Atoi(s[1 : len(s)-2])
		return fmt.Sprintf("[%dms]", n*1000/pace)
	}))
	body := r.Form.Encode()
	proxy := &httputil.ReverseProxy{Rewrite: func(out *httputil.ProxyRequest) {
		out.SetURL(behind)
		out.Out.URL.RawQuery = ""
		out.Out.Method, out.Out.Body, out.Out.ContentLength = http.MethodPost, io.NopCloser(strings.NewReader(body)), int64(len(body))
		out.Out.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}}
	proxy.ServeHTTP(w, r)
}

// scrape starts a real Prometheus that scrapes the namespace's routers.
func (p *prometheusAt) scrape(namespace string) {
	GinkgoHelper()
	binary, err := testprometheus.Find()
	if err != nil {
		Skip(err.Error())
	}
	base, stop, err := testprometheus.Start(binary, GinkgoT().TempDir(), 200*time.Millisecond, kubelet.adminAddresses(namespace)...)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { GinkgoWriter.Println(stop()) })
	behind, err := url.Parse(base)
	Expect(err).NotTo(HaveOccurred())
	p.behind.Store(behind)
}

// voters is how many clients give feedback: each may just so many times a second.
const voters = 16

// shiftingPolicy is a policy whose tiers nano and mid are two simulated providers;
// mid has a second model.
const shiftingPolicy = `
apiVersion: tiershift.dev/v1alpha1
kind: ProviderCredential
metadata: {name: %[1]s}
spec: {provider: OpenAICompatible, endpoint: %[2]q}
---
`

const shiftingTiers = `
apiVersion: tiershift.dev/v1alpha1
kind: ModelTier
metadata: {name: nano}
spec:
  rank: 10
  models: [{name: small, credentialRef: {name: cheap}, pricing: {inputPerMillion: "0.05", outputPerMillion: "0.4"}}]
---
apiVersion: tiershift.dev/v1alpha1
kind: ModelTier
metadata: {name: mid}
spec:
  rank: 20
  selection: Ordered
  models:
    - {name: large, credentialRef: {name: dear}, pricing: {inputPerMillion: "0.25", outputPerMillion: "2"}}
    - {name: spare, credentialRef: {name: dear}, pricing: {inputPerMillion: "0.25", outputPerMillion: "2"}}
---
apiVersion: tiershift.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: support}
spec:
  tiers: [{name: nano}, {name: mid}]
  defaultTier: mid
  classification: {rules: {preset: None}, model: {minConfidence: "1"}}
  routes: [{name: chat, match: {}}]
  gateway: {replicas: 2, auth: {mode: APIKeys, secretRef: {name: clients}}}
`

// traffic is what clients of a policy do: they ask, and say of each answer how good
// it was.
type traffic struct {
	namespace string
	// nano and mid are how good the tiers' answers truly are.
	nano, mid quality
	random    *rand.Rand
	mu        sync.Mutex
	stop      context.CancelFunc
	ended     sync.WaitGroup
	// answered counts answers by tier.
	answered map[string]int
	trouble  error
}

// quality is a share of good answers, in percent.
type quality struct{ atomic.Int64 }

// begin sends about so many requests a second until the story ends.
func begin(namespace string, perSecond int) *traffic {
	t := &traffic{namespace: namespace, random: rand.New(rand.NewPCG(uint64(GinkgoRandomSeed()), 1)), answered: map[string]int{}}
	t.nano.Store(97)
	t.mid.Store(98)
	ctx, stop := context.WithCancel(context.Background())
	t.stop = stop
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: voters}, Timeout: 10 * time.Second}
	for voter := range voters {
		t.ended.Go(func() {
			ticker := time.NewTicker(voters * time.Second / time.Duration(perSecond))
			defer ticker.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-ticker.C:
					t.note(t.ask(ctx, client, fmt.Sprintf("key-%d", voter)))
				}
			}
		})
	}
	DeferCleanup(t.end)
	return t
}

func (t *traffic) end() {
	t.stop()
	t.ended.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	Expect(t.trouble).NotTo(HaveOccurred())
}

func (t *traffic) note(tier string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case err == nil:
		t.answered[tier]++
	case t.trouble == nil && !strings.Contains(err.Error(), "context canceled"):
		t.trouble = err
	}
}

// ask sends one request and a vote on its answer.
func (t *traffic) ask(ctx context.Context, client *http.Client, key string) (tier string, err error) {
	base := "http://" + kubelet.trafficAddress(t.namespace)
	answer, err := post(ctx, client, base+"/v1/chat/completions", key, map[string]any{
		"model": "auto", "max_completion_tokens": 40, "messages": []map[string]string{{"role": "user", "content": "the usual, please"}},
	})
	if err != nil {
		return "", err
	}
	tier = answer.Get("X-Tiershift-Tier")
	_, err = post(ctx, client, base+"/v1/feedback", key, map[string]any{"request_id": answer.Get("X-Tiershift-Request-Id"), "score": t.score(tier)})
	return tier, err
}

func (t *traffic) score(tier string) float64 {
	good := &t.mid
	if tier == "nano" {
		good = &t.nano
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.random.Int64N(100) < good.Load() {
		return 1
	}
	return 0
}

func post(ctx context.Context, client *http.Client, url, key string, body any) (http.Header, error) {
	data, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+key)
	request.Header.Set("Content-Type", "application/json")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode/100 != 2 {
		err = fmt.Errorf("%s answered %s: %s", url, response.Status, text)
	}
	return response.Header, err
}

// shiftWorld is a policy that shifts by the fast clock.
type shiftWorld struct {
	namespace   string
	clock       fastClock
	operator    *operator
	cheap, dear *simulator.Provider
	*traffic
}

// shiftsWith starts an operator, the providers, the policy with these shift settings,
// and its clients.
func shiftsWith(ctx context.Context, clock fastClock, settings *v1alpha1.Shift) *shiftWorld {
	GinkgoHelper()
	own()
	w := &shiftWorld{clock: clock, operator: start(clock.operator())}
	DeferCleanup(func() { w.operator.end() })
	w.namespace = newNamespace(ctx)
	text := ""
	for _, provider := range []struct {
		name   string
		models []simulator.Model
		into   **simulator.Provider
	}{
		{"cheap", []simulator.Model{{Name: "small", Capability: 1}}, &w.cheap},
		{"dear", []simulator.Model{{Name: "large", Capability: 1}, {Name: "spare", Capability: 1, Latency: &simulator.Latency{}}}, &w.dear},
	} {
		simulated, err := simulator.New(simulator.Config{Name: provider.name, Models: provider.models, Seed: 1})
		Expect(err).NotTo(HaveOccurred())
		base, stop, err := simulated.Listen(context.Background(), "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(stop)
		*provider.into = simulated
		text += fmt.Sprintf(shiftingPolicy, provider.name, base)
	}
	keys := map[string]any{}
	for voter := range voters {
		keys[fmt.Sprintf("client-%d", voter)] = fmt.Sprintf("key-%d", voter)
	}
	create(ctx, &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"namespace": w.namespace, "name": "clients"}, "stringData": keys,
	}})
	create(ctx, documents(text+shiftingTiers, w.namespace)...)
	Eventually(policyState(ctx, w.namespace, v1alpha1.ConditionReady)).WithContext(ctx).Should(Equal("True Ready"))
	Eventually(acknowledged(ctx, w.namespace)).WithContext(ctx).Should(Equal(v1alpha1.RouterCount{Total: 2, Acknowledged: 2}))
	change(ctx, w.namespace, func(p *v1alpha1.RoutingPolicy) { p.Spec.Routes[0].Shift = settings })
	// To operators of later stories the decisions would be of the future, and their
	// own of a moment that depends on the order of the stories.
	DeferCleanup(func(ctx context.Context) {
		change(ctx, w.namespace, func(p *v1alpha1.RoutingPolicy) { p.Spec.Routes[0].Shift = nil })
	})
	w.traffic = begin(w.namespace, 80)
	return w
}

// documents are those of the text, for the namespace.
func documents(text, namespace string) []*unstructured.Unstructured {
	GinkgoHelper()
	var list []*unstructured.Unstructured
	for document := range strings.SplitSeq(text, "\n---\n") {
		object := &unstructured.Unstructured{}
		Expect(yaml.Unmarshal([]byte(document), object)).To(Succeed())
		object.SetNamespace(namespace)
		list = append(list, object)
	}
	return list
}

// chat is the status of the route.
func (w *shiftWorld) chat(ctx context.Context) v1alpha1.RouteStatus {
	GinkgoHelper()
	return routeStatus(ctx, w.namespace)
}

// routeStatus is that of the only route that shifts.
func routeStatus(ctx context.Context, namespace string) v1alpha1.RouteStatus {
	GinkgoHelper()
	policy := get(ctx, &v1alpha1.RoutingPolicy{}, namespace, "support")
	if len(policy.Status.Routes) == 0 {
		return v1alpha1.RouteStatus{}
	}
	return policy.Status.Routes[0]
}

// share is how much the split gives to a tier, for Eventually.
func (w *shiftWorld) share(ctx context.Context, tier string) func() int32 {
	return func() int32 {
		for _, share := range w.chat(ctx).Split {
			if share.Tier == tier {
				return share.Percent
			}
		}
		return 0
	}
}

// reason is why the split is as it is, for Eventually.
func (w *shiftWorld) reason(ctx context.Context) func() string {
	return func() string { return w.chat(ctx).Reason }
}
