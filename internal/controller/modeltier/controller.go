package modeltier

import (
	"context"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/handler"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/compile"
	"github.com/tiershift/tiershift/internal/controller/apply"
	"github.com/tiershift/tiershift/internal/controller/conditions"
	"github.com/tiershift/tiershift/internal/controller/index"
	"github.com/tiershift/tiershift/internal/pricing"
)

// +kubebuilder:rbac:groups=tiershift.dev,resources=modeltiers,verbs=list;watch
// +kubebuilder:rbac:groups=tiershift.dev,resources=modeltiers/status,verbs=patch
// +kubebuilder:rbac:groups=tiershift.dev,resources=providercredentials,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Reconciler reconciles ModelTiers.
type Reconciler struct {
	Client    client.Client
	Catalogue pricing.List
	Events    events.EventRecorder
	Now       func() time.Time
}

// SetupWithManager starts the controller with the manager.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, find *index.Finder, options controller.Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("modeltier").
		For(&v1alpha1.ModelTier{}).
		Watches(&v1alpha1.ProviderCredential{}, handler.EnqueueRequestsFromMapFunc(find.TiersOfCredential)).
		WithOptions(options).
		Complete(r)
}

// Reconcile looks at the credentials, prices the models, and says what came of
// it.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var tier v1alpha1.ModelTier
	if err := r.Client.Get(ctx, request.NamespacedName, &tier); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	credentials, err := r.credentials(ctx, &tier)
	if err != nil {
		return ctrl.Result{}, err
	}
	now := r.Now()
	priced := price(&tier, credentials, r.Catalogue, now)
	status, changed := decide(&tier, credentials, priced, now)
	before := tier.Status
	before.Conditions = conditions.Sorted(before.Conditions)
	if !equality.Semantic.DeepEqual(before, status) {
		if err := apply.Status(ctx, r.Client, &tier, &status); err != nil {
			return ctrl.Result{}, err
		}
		conditions.Emit(r.Events, &tier, changed)
	}
	return ctrl.Result{RequeueAfter: untilPricesChange(priced, now)}, nil
}

// credentials are those that the models name and that exist.
func (r *Reconciler) credentials(ctx context.Context, tier *v1alpha1.ModelTier) ([]v1alpha1.ProviderCredential, error) {
	var found []v1alpha1.ProviderCredential
	asked := map[string]bool{}
	for i := range tier.Spec.Models {
		name := tier.Spec.Models[i].CredentialRef.Name
		if asked[name] {
			continue
		}
		asked[name] = true
		var credential v1alpha1.ProviderCredential
		err := r.Client.Get(ctx, types.NamespacedName{Namespace: tier.Namespace, Name: name}, &credential)
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		found = append(found, credential)
	}
	return found, nil
}

// untilPricesChange is 0 when the catalogue knows of no other price to come.
func untilPricesChange(priced compile.Result, now time.Time) time.Duration {
	if priced.PricesUntil.IsZero() {
		return 0
	}
	return max(priced.PricesUntil.Sub(now), time.Second)
}
