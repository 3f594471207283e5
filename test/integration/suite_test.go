// Package integration tells the operator's stories against a real kube-apiserver
// and etcd. There is no kubelet: the tests create a Deployment's pods and run its
// routers in process, mounting new files when, and only when, a kubelet would.
//
// It must never reach past what a user can see: objects, their conditions and
// Events, and what routers answer.
package integration

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-logr/logr"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	crcontroller "sigs.k8s.io/controller-runtime/pkg/controller"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/tiershift/tiershift/internal/controller"
	"github.com/tiershift/tiershift/internal/controller/acknowledge"
	"github.com/tiershift/tiershift/internal/testenv"
	"github.com/tiershift/tiershift/internal/workload"
)

const (
	patience = 30 * time.Second
	// operatorUser is whom the API server takes the operator for.
	operatorUser = "tiershift-operator"
	// resync is how often everything is reconciled without any change.
	resync = time.Second
)

var (
	env      *testenv.Env
	kubelet  *node
	prober   = &fakeProber{}
	requests = &counter{}
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
	var done atomic.Int32
	done.Add(2)
	go func() { defer done.Add(-1); kubelet.run(ctx) }()
	go func() {
		defer done.Add(-1)
		defer GinkgoRecover()
		Expect(newOperator(ctx, env.Config, requests).Start(ctx)).To(Succeed())
	}()
	DeferCleanup(func() {
		end()
		Eventually(done.Load).Should(BeZero())
	})
})

// bindRole grants the operator what the generated role says, and nothing else: a
// verb that is missing there fails a story.
func bindRole(ctx context.Context) {
	GinkgoHelper()
	for _, object := range manifests("../../config/rbac/role.yaml", "") {
		if object.GetKind() == "ClusterRole" {
			Expect(env.Client.Create(ctx, object)).To(Succeed())
		}
	}
	Expect(env.Client.Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: operatorUser},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "tiershift-operator"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: operatorUser}},
	})).To(Succeed())
}

// newOperator is the operator as its binary runs it, but for the ports, the lease
// and how pods are reached.
func newOperator(ctx context.Context, config *rest.Config, count *counter) ctrl.Manager {
	GinkgoHelper()
	config = rest.CopyConfig(config)
	config.Impersonate.UserName = operatorUser
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return count.around(next) })
	cache := controller.CacheOptions(nil)
	cache.SyncPeriod = new(resync)
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme: controller.NewScheme(), Cache: cache, Metrics: metricsserver.Options{BindAddress: "0"}, Logger: operatorLog,
	})
	Expect(err).NotTo(HaveOccurred())
	Expect(controller.Setup(ctx, manager, controller.Options{
		Router:     workload.Router{Image: "router:test", DrainDelay: 5 * time.Second, DrainTimeout: 10 * time.Minute},
		Routers:    acknowledge.NewHTTP(kubelet.adminAddress),
		Prober:     prober,
		Workers:    4,
		Now:        time.Now,
		Controller: crcontroller.Options{SkipNameValidation: new(true)},
	})).To(Succeed())
	return manager
}

// counter counts requests to the API server.
type counter struct{ reads, writes atomic.Int64 }

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (c *counter) around(next http.RoundTripper) http.RoundTripper {
	return roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodGet {
			c.reads.Add(1)
		} else {
			c.writes.Add(1)
		}
		return next.RoundTrip(r)
	})
}
