// Package integration tells the operator's stories against a real kube-apiserver
// and etcd. There is no kubelet: the tests create a Deployment's pods and run its
// routers in process, mounting new files when, and only when, a kubelet would.
//
// It must never reach past what a user can see: objects, their conditions and
// Events, and what routers answer.
package integration

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	crcontroller "sigs.k8s.io/controller-runtime/pkg/controller"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/tiershift/tiershift/internal/controller"
	"github.com/tiershift/tiershift/internal/controller/acknowledge"
	"github.com/tiershift/tiershift/internal/controller/apply"
	"github.com/tiershift/tiershift/internal/testenv"
	"github.com/tiershift/tiershift/internal/workload"
)

const (
	patience = 30 * time.Second
	// operatorUser is whom the API server takes the operator for.
	operatorUser      = "tiershift-operator"
	operatorNamespace = "tiershift-system"
	// resync is how often everything is reconciled without any change.
	resync = time.Second
)

var (
	env     *testenv.Env
	kubelet *node
	prober  = &fakeProber{}
	// acting is the operator of all stories but those that start their own.
	acting *operator
	// operatorLog is shown with a story that fails.
	operatorLog logr.Logger
)

func TestIntegration(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Operator")
}

var _ = BeforeSuite(func() {
	SetDefaultEventuallyTimeout(patience)
	EnforceDefaultTimeoutsWhenUsingContexts()
	SetDefaultEventuallyPollingInterval(50 * time.Millisecond)
	operatorLog = logr.FromSlogHandler(slog.NewTextHandler(GinkgoWriter, &slog.HandlerOptions{Level: slog.LevelWarn}))
	ctrl.SetLogger(operatorLog)
	started, stop, err := testenv.Run(context.Background(), testenv.WithScheme(controller.NewScheme()))
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(stop)
	env = started
	bindRole(context.Background())
	kubelet = newNode(env.Client)
	ctx, end := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() { defer close(stopped); kubelet.run(ctx) }()
	DeferCleanup(func() { end(); <-stopped })
	acting = start(setup{})
	DeferCleanup(func() { acting.end() })
})

var _ = AfterEach(func() {
	kubelet.mu.Lock()
	defer kubelet.mu.Unlock()
	Expect(kubelet.unmountable).To(BeEmpty(), "a router was given a config whose key files its pod does not mount")
})

// bindRole grants the operator what the generated roles say, and nothing else: a
// verb that is missing there fails a story.
func bindRole(ctx context.Context) {
	GinkgoHelper()
	Expect(env.Client.Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: operatorNamespace}})).To(Succeed())
	subjects := []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: operatorUser}}
	for _, object := range manifests("../../config/rbac/role.yaml", operatorNamespace) {
		meta := metav1.ObjectMeta{Name: object.GetName()}
		ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: object.GetKind(), Name: object.GetName()}
		if object.GetKind() == "ClusterRole" {
			object.SetNamespace("")
			Expect(env.Client.Create(ctx, &rbacv1.ClusterRoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: subjects})).To(Succeed())
		} else {
			meta.Namespace = operatorNamespace
			Expect(env.Client.Create(ctx, &rbacv1.RoleBinding{ObjectMeta: meta, RoleRef: ref, Subjects: subjects})).To(Succeed())
		}
		Expect(env.Client.Create(ctx, object)).To(Succeed())
	}
}

// setup is how an operator differs from what its binary runs without flags.
type setup struct {
	// user is whom the API server takes it for; "": operatorUser.
	user       string
	namespaces []string
	elect      bool
	// now is its clock; nil: time.Now.
	now func() time.Time
	// wait is how long to really wait for so much time to pass by now; nil: just
	// so long.
	wait func(time.Duration) time.Duration
	// around stands between the operator and the API server.
	around func(next http.RoundTripper) http.RoundTripper
}

// operator is one at work.
type operator struct {
	requests counter
	stop     context.CancelFunc
	stopped  chan struct{}
}

// end returns when the operator has ended.
func (o *operator) end() {
	o.stop()
	<-o.stopped
}

// start runs an operator as its binary does, but for the ports and how pods are
// reached.
func start(s setup) *operator {
	GinkgoHelper()
	if s.now == nil {
		s.now = time.Now
	}
	o := &operator{stopped: make(chan struct{})}
	config := rest.CopyConfig(env.Config)
	config.Impersonate.UserName = cmp.Or(s.user, operatorUser)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		if s.around != nil {
			next = s.around(next)
		}
		return o.requests.around(next)
	})
	cache := controller.CacheOptions(s.namespaces)
	cache.SyncPeriod = new(resync)
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: controller.NewScheme(), Cache: cache, Metrics: metricsserver.Options{BindAddress: "0"}, Logger: operatorLog,
		LeaderElection: s.elect, LeaderElectionID: "story", LeaderElectionNamespace: operatorNamespace, LeaderElectionReleaseOnCancel: true,
		RetryPeriod: new(500 * time.Millisecond),
	})
	Expect(err).NotTo(HaveOccurred())
	ctx, stop := context.WithCancel(context.Background())
	o.stop = stop
	Expect(controller.Setup(ctx, manager, controller.Options{
		Router:     workload.Router{Image: "router:test", DrainDelay: 5 * time.Second, DrainTimeout: 10 * time.Minute},
		Routers:    acknowledge.NewHTTP(kubelet.adminAddress),
		Address:    kubelet.adminAddress,
		Prober:     prober,
		Workers:    4,
		Now:        s.now,
		Wait:       s.wait,
		Controller: crcontroller.Options{SkipNameValidation: new(true)},
	})).To(Succeed())
	go func() {
		defer close(o.stopped)
		defer GinkgoRecover()
		Expect(manager.Start(ctx)).To(Succeed())
	}()
	return o
}

// own ends the acting operator until the story is over, for one that starts its
// own.
func own() {
	GinkgoHelper()
	acting.end()
	DeferCleanup(func() { acting = start(setup{}) })
}

// counter counts requests to the API server.
type counter struct {
	reads, writes atomic.Int64
	// splits are writes of status.routes.
	splits atomic.Int64

	mu sync.Mutex
	// written are the writes, each as "PATCH /api/…".
	written []string
}

// since are the writes but for the first n.
func (c *counter) since(n int64) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.written[n:])
}

// isWrite leaves out the lease, which the leader renews, and the Events about it.
func isWrite(r *http.Request) bool {
	return r.Method != http.MethodGet && !strings.Contains(r.URL.Path, "/namespaces/"+operatorNamespace+"/")
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (c *counter) around(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.URL.Query().Get("fieldManager") == string(apply.SplitOwner) {
			c.splits.Add(1)
		}
		if isWrite(r) {
			c.mu.Lock()
			c.written = append(c.written, fmt.Sprintf("%s %s by %q", r.Method, r.URL.Path, r.URL.Query().Get("fieldManager")))
			c.writes.Add(1)
			c.mu.Unlock()
		} else {
			c.reads.Add(1)
		}
		return next.RoundTrip(r)
	})
}
