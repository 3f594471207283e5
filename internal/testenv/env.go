package testenv

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Env is a running control plane.
type Env struct {
	// Config authenticates as a member of system:masters. The client does not
	// throttle its own requests.
	Config *rest.Config
	// Client reads from the API server, not from a cache.
	Client client.Client
}

// Option changes what a control plane holds or how Env.Client reads it.
type Option func(*options)

type options struct {
	scheme *runtime.Scheme
	crds   bool
}

// WithScheme makes Env.Client use s instead of the scheme of Kubernetes' own
// kinds. Env.Namespace needs the core kinds in it.
func WithScheme(s *runtime.Scheme) Option {
	return func(o *options) { o.scheme = s }
}

// WithoutCRDs leaves Tiershift's CRDs out.
func WithoutCRDs() Option {
	return func(o *options) { o.crds = false }
}

func newOptions(opts []Option) options {
	o := options{scheme: scheme.Scheme, crds: true}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// Start returns the control plane that the tests of this binary share, since each
// start takes seconds. The first call starts it, and it stops when the binary
// ends. Tests with and without CRDs have one each. t fails if it cannot start.
func Start(t testing.TB, opts ...Option) *Env {
	t.Helper()
	o := newOptions(opts)
	owner, err := sharedOwner(o.crds)
	if err != nil {
		t.Fatal(err)
	}
	env, err := newEnv(owner, o.scheme)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// Run starts a control plane of the caller's own, for a suite that has hooks
// instead of a testing.TB or for a test that takes the plane away on purpose. ctx
// bounds the start only; stop ends the plane.
func Run(ctx context.Context, opts ...Option) (env *Env, stop func() error, err error) {
	o := newOptions(opts)
	owner, err := startOwner(ctx, o.crds)
	if err != nil {
		return nil, nil, err
	}
	env, err = newEnv(owner, o.scheme)
	if err != nil {
		return nil, nil, errors.Join(err, owner.stop())
	}
	return env, owner.stop, nil
}

// Namespace creates a namespace that no other test uses and returns its name. It
// is never deleted: nothing in the control plane would empty it.
func (e *Env) Namespace(t testing.TB) string {
	t.Helper()
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}
	if err := e.Client.Create(t.Context(), namespace); err != nil {
		t.Fatalf("create a namespace for the test: %v", err)
	}
	return namespace.Name
}

func newEnv(o *owner, s *runtime.Scheme) (*Env, error) {
	config, err := clientcmd.RESTConfigFromKubeConfig(o.kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read the control plane's kubeconfig: %w", err)
	}
	config.QPS = -1
	c, err := client.New(config, client.Options{Scheme: s})
	if err != nil {
		return nil, fmt.Errorf("create a client of the control plane: %w", err)
	}
	return &Env{Config: config, Client: c}, nil
}

// startWithCRDs and startWithoutCRDs keep a failure too: the next test would only
// fail again, and later. The plane outlives the test that happens to start it, and
// so does its context.
var (
	startWithCRDs    = sync.OnceValues(func() (*owner, error) { return startOwner(context.Background(), true) })
	startWithoutCRDs = sync.OnceValues(func() (*owner, error) { return startOwner(context.Background(), false) })
)

func sharedOwner(crds bool) (*owner, error) {
	if crds {
		return startWithCRDs()
	}
	return startWithoutCRDs()
}
