package credential

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/controller/apply"
	"github.com/tiershift/tiershift/internal/controller/conditions"
	"github.com/tiershift/tiershift/internal/controller/index"
	"github.com/tiershift/tiershift/internal/controller/secrets"
)

// +kubebuilder:rbac:groups=tiershift.dev,resources=providercredentials,verbs=list;watch
// +kubebuilder:rbac:groups=tiershift.dev,resources=providercredentials/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Reconciler reconciles ProviderCredentials.
type Reconciler struct {
	Client  client.Client
	Secrets *secrets.Reader
	Prober  Prober
	Events  events.EventRecorder
	Now     func() time.Time

	probes probeLog
}

// SetupWithManager starts the controller with the manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, find *index.Finder, options controller.Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("credential").
		For(&v1alpha1.ProviderCredential{}).
		WatchesMetadata(secrets.Metadata(), handler.EnqueueRequestsFromMapFunc(find.CredentialsOfSecret)).
		WithOptions(options).
		Complete(r)
}

// Reconcile looks at the Secrets, asks the provider when that is due, and says
// what came of it.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var credential v1alpha1.ProviderCredential
	if err := r.Client.Get(ctx, request.NamespacedName, &credential); err != nil {
		r.probes.forget(request.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	facts, err := r.gather(ctx, &credential)
	if err != nil {
		return ctrl.Result{}, err
	}
	status, changed := decide(facts)
	before := credential.Status
	before.Conditions = conditions.Sorted(before.Conditions)
	if !equality.Semantic.DeepEqual(before, status) {
		if err := apply.Status(ctx, r.Client, &credential, &status); err != nil {
			return ctrl.Result{}, err
		}
		conditions.Emit(r.Events, &credential, changed)
	}
	return ctrl.Result{RequeueAfter: facts.recheck}, nil
}
