package controller

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/controller/acknowledge"
	"github.com/tiershift/tiershift/internal/controller/apply"
	"github.com/tiershift/tiershift/internal/controller/classifiers"
	"github.com/tiershift/tiershift/internal/controller/credential"
	"github.com/tiershift/tiershift/internal/controller/index"
	"github.com/tiershift/tiershift/internal/controller/modeltier"
	"github.com/tiershift/tiershift/internal/controller/routingpolicy"
	"github.com/tiershift/tiershift/internal/controller/secrets"
	"github.com/tiershift/tiershift/internal/controller/shift"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/workload"
)

// What the binary needs beside the controllers: the lease of the leader and the
// Events about it, which client-go still writes to the core group, and to ask
// whether a caller of /metrics may read them.
//
// +kubebuilder:rbac:groups=coordination.k8s.io,namespace=tiershift-system,resources=leases,verbs=get;create;update
// +kubebuilder:rbac:groups="",namespace=tiershift-system,resources=events,verbs=create;patch
// +kubebuilder:rbac:groups=authentication.k8s.io,resources=tokenreviews,verbs=create
// +kubebuilder:rbac:groups=authorization.k8s.io,resources=subjectaccessreviews,verbs=create

// recorderName is who the Events are from.
const recorderName = "tiershift-operator"

// Options are what the operator depends on beside the API server.
type Options struct {
	// Router says how routers are run.
	Router workload.Router
	// Routers are asked which config they serve.
	Routers acknowledge.Acknowledger
	// Address is where a pod's admin port is, which measuring for shifts reads; nil:
	// at its IP.
	Address func(*corev1.Pod) string
	// Metrics is where the operator's own metrics are registered; nil: nowhere.
	Metrics prometheus.Registerer
	// Prober asks providers whether they accept a key.
	Prober credential.Prober
	// Workers is how many policies are reconciled at the same time. One that
	// waits for a router that does not answer holds up no other.
	Workers int
	Now     func() time.Time
	// Wait is how long to really wait for so much time to pass by Now, between
	// decisions on traffic; nil: just so long.
	Wait func(time.Duration) time.Duration
	// Controller is for all controllers, but for the number of workers.
	Controller controller.Options
}

// NewScheme knows all kinds that the operator handles.
func NewScheme() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(clientgoscheme.AddToScheme(scheme))
	utilruntime.Must(v1alpha1.AddToScheme(scheme))
	return scheme
}

// CacheOptions bound what the operator holds: of Kubernetes' own kinds just what
// it made, by label; of Secrets just the metadata, since nothing reads them from
// the cache otherwise. namespaces bound all of it; none means the whole cluster.
func CacheOptions(namespaces []string) cache.Options {
	managed := cache.ByObject{Label: labels.SelectorFromSet(workload.ManagedLabels())}
	options := cache.Options{
		DefaultTransform:            cache.TransformStripManagedFields(),
		ReaderFailOnMissingInformer: true,
		ByObject: map[client.Object]cache.ByObject{
			&corev1.ConfigMap{}:                      managed,
			&corev1.ServiceAccount{}:                 managed,
			&corev1.Service{}:                        managed,
			&corev1.Pod{}:                            managed,
			&appsv1.Deployment{}:                     managed,
			&autoscalingv2.HorizontalPodAutoscaler{}: managed,
			&policyv1.PodDisruptionBudget{}:          managed,
			&networkingv1.NetworkPolicy{}:            managed,
		},
	}
	for _, namespace := range namespaces {
		if options.DefaultNamespaces == nil {
			options.DefaultNamespaces = map[string]cache.Config{}
		}
		options.DefaultNamespaces[namespace] = cache.Config{}
	}
	return options
}

// Setup adds the controllers to the manager.
func Setup(ctx context.Context, mgr ctrl.Manager, options Options) error {
	if err := index.Register(ctx, mgr.GetFieldIndexer()); err != nil {
		return err
	}
	find := &index.Finder{Reader: mgr.GetClient(), Failed: func(ctx context.Context, err error) {
		log.FromContext(ctx).Error(err, "a change may be noticed late")
	}}
	reader := secrets.NewReader(mgr.GetClient(), mgr.GetAPIReader())
	recorder := mgr.GetEventRecorder(recorderName)
	credentials := &credential.Reconciler{
		Client: mgr.GetClient(), Secrets: reader, Prober: options.Prober, Events: recorder, Now: options.Now,
	}
	tiers := &modeltier.Reconciler{
		Client: mgr.GetClient(), Catalogue: pricing.Catalogue(), Events: recorder, Now: options.Now,
	}
	policies := &routingpolicy.Reconciler{
		Classifiers: classifiers.NewReader(mgr.GetAPIReader()),
		Client:      mgr.GetClient(), Applier: &apply.Applier{Client: mgr.GetClient(), Live: mgr.GetAPIReader()},
		Secrets: reader, Routers: acknowledge.NewPatient(options.Routers, options.Now), Events: recorder, Catalogue: pricing.Catalogue(),
		Router: options.Router, Now: options.Now,
	}
	workers := options.Controller
	workers.MaxConcurrentReconciles = options.Workers
	if err := credentials.SetupWithManager(mgr, find, workers); err != nil {
		return err
	}
	if err := tiers.SetupWithManager(mgr, find, options.Controller); err != nil {
		return err
	}
	if err := policies.SetupWithManager(mgr, find, workers); err != nil {
		return err
	}
	shifts, err := newShift(mgr, &options, recorder)
	if err != nil {
		return err
	}
	return shifts.SetupWithManager(mgr, workers)
}

func newShift(mgr ctrl.Manager, options *Options, recorder events.EventRecorder) (*shift.Reconciler, error) {
	registry := options.Metrics
	if registry == nil {
		registry = prometheus.NewRegistry()
	}
	metrics, err := shift.NewMetrics(registry)
	if err != nil {
		return nil, fmt.Errorf("metrics of shifts: %w", err)
	}
	address := options.Address
	if address == nil {
		address = acknowledge.AdminAddress
	}
	wait := options.Wait
	if wait == nil {
		wait = func(d time.Duration) time.Duration { return d }
	}
	// Pods come and go between one scrape and the next, and no proxy knows of them.
	routers := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	return &shift.Reconciler{
		Client: mgr.GetClient(), Events: recorder, Metrics: metrics, Address: address, Routers: routers,
		Now: options.Now, Wait: wait,
	}, nil
}
