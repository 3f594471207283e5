package main

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
	"sigs.k8s.io/controller-runtime/pkg/metrics/filters"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/tiershift/tiershift/internal/controller"
	"github.com/tiershift/tiershift/internal/controller/acknowledge"
	"github.com/tiershift/tiershift/internal/controller/credential"
)

// leaseName is the lease that the acting replica holds.
const leaseName = "tiershift-operator"

func newManager(ctx context.Context, config *rest.Config, o *options, log logr.Logger) (ctrl.Manager, error) {
	// The API server holds its clients to their fair share itself. A limit here
	// would only delay what it would have let pass.
	config.QPS = -1
	cache := controller.CacheOptions(o.namespaces)
	cache.SyncPeriod = &o.resync
	manager, err := ctrl.NewManager(config, ctrl.Options{
		Scheme:                  controller.NewScheme(),
		Logger:                  log,
		Cache:                   cache,
		PprofBindAddress:        o.pprofListen,
		Metrics:                 metricsOptions(o),
		HealthProbeBindAddress:  o.probeListen,
		LeaderElection:          o.leaderElect,
		LeaderElectionID:        leaseName,
		LeaderElectionNamespace: o.leaderNamespace,
		// The process ends with its manager, so the next leader need not wait.
		LeaderElectionReleaseOnCancel: true,
	})
	if err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	for name, add := range map[string]func(string, healthz.Checker) error{"healthz": manager.AddHealthzCheck, "readyz": manager.AddReadyzCheck} {
		if err := add("ping", healthz.Ping); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	err = controller.Setup(ctx, manager, controller.Options{
		Router:  o.router,
		Routers: acknowledge.NewHTTP(nil),
		Metrics: metrics.Registry,
		Prober:  credential.NewHTTPProber(),
		Workers: o.workers,
		Now:     time.Now,
	})
	return manager, err
}

func metricsOptions(o *options) metricsserver.Options {
	options := metricsserver.Options{BindAddress: o.metricsListen, SecureServing: o.metricsSecure, CertDir: o.metricsCerts}
	if o.metricsSecure {
		options.FilterProvider = filters.WithAuthenticationAndAuthorization
	}
	return options
}
