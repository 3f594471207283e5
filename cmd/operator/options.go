package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/tiershift/tiershift/internal/workload"
)

// options are the flags.
type options struct {
	metricsListen   string
	metricsSecure   bool
	metricsCerts    string
	probeListen     string
	pprofListen     string
	resync          time.Duration
	leaderElect     bool
	leaderNamespace string
	namespaces      namespaces
	router          workload.Router
	workers         int
	logLevel        slog.Level
	printVersion    bool
}

// namespaces is a list that is given as one flag, separated by commas.
type namespaces []string

// String implements flag.Value.
func (n *namespaces) String() string { return strings.Join(*n, ",") }

// Set implements flag.Value.
func (n *namespaces) Set(text string) error {
	*n = nil
	for name := range strings.SplitSeq(text, ",") {
		if name = strings.TrimSpace(name); name != "" {
			*n = append(*n, name)
		}
	}
	return nil
}

func parse(args []string) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("operator", flag.ContinueOnError)
	flags.StringVar(&o.metricsListen, "metrics-listen", ":8443", "the `ADDRESS` of /metrics; 0 serves none")
	flags.BoolVar(&o.metricsSecure, "metrics-secure", true, "serve metrics over TLS, to callers that the cluster allows to GET /metrics")
	flags.StringVar(&o.metricsCerts, "metrics-cert-dir", "", "the `DIR` with tls.crt and tls.key for metrics; empty: a certificate of its own making")
	flags.StringVar(&o.probeListen, "probe-listen", ":8081", "the `ADDRESS` of /healthz and /readyz")
	flags.StringVar(&o.pprofListen, "pprof-listen", "", "the `ADDRESS` of /debug/pprof, which asks nobody who they are; empty serves none")
	flags.BoolVar(&o.leaderElect, "leader-elect", true, "act only while holding the lease, so that several replicas can run")
	flags.StringVar(&o.leaderNamespace, "leader-election-namespace", "", "the `NAMESPACE` of the lease; empty: that of the pod")
	flags.Var(&o.namespaces, "namespaces", "the `NAMESPACES` to operate, separated by commas; empty: all of them")
	flags.StringVar(&o.router.Image, "router-image", "", "the `IMAGE` of routers (required)")
	pullPolicy := flags.String("router-image-pull-policy", "", "Always, IfNotPresent or Never; empty: the cluster's default")
	flags.DurationVar(&o.router.DrainDelay, "router-drain-delay", 5*time.Second, "how long a router that is to end still accepts requests")
	flags.DurationVar(&o.router.DrainTimeout, "router-drain-timeout", 10*time.Minute, "how long it then waits for requests in flight")
	flags.DurationVar(&o.resync, "resync", 10*time.Hour, "how often everything is looked at again though nothing changed")
	flags.IntVar(&o.workers, "workers", 8, "how many policies are reconciled at the same time")
	flags.TextVar(&o.logLevel, "log-level", slog.LevelInfo, "debug, info, warn or error")
	flags.BoolVar(&o.printVersion, "version", false, "print the version and exit")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q; see operator -help", flags.Arg(0))
	}
	o.router.PullPolicy = corev1.PullPolicy(*pullPolicy)
	if err := o.check(); err != nil {
		return nil, err
	}
	return o, nil
}

func (o *options) check() error {
	if o.printVersion {
		return nil
	}
	var errs []error
	if o.router.Image == "" {
		errs = append(errs, errors.New("-router-image is required"))
	}
	switch o.router.PullPolicy {
	case "", corev1.PullAlways, corev1.PullIfNotPresent, corev1.PullNever:
	default:
		errs = append(errs, fmt.Errorf("-router-image-pull-policy is %q: it is Always, IfNotPresent, Never or empty", o.router.PullPolicy))
	}
	if o.router.DrainDelay < 0 || o.router.DrainTimeout < 0 {
		errs = append(errs, errors.New("-router-drain-delay and -router-drain-timeout are not negative"))
	}
	if o.resync < time.Second {
		errs = append(errs, errors.New("-resync is at least 1s"))
	}
	if o.workers < 1 {
		errs = append(errs, errors.New("-workers is at least 1"))
	}
	return errors.Join(errs...)
}
