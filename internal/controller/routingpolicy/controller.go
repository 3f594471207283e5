package routingpolicy

import (
	"context"
	"time"

	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/controller/acknowledge"
	"github.com/tiershift/tiershift/internal/controller/apply"
	"github.com/tiershift/tiershift/internal/controller/classifiers"
	"github.com/tiershift/tiershift/internal/controller/secrets"
	"github.com/tiershift/tiershift/internal/pricing"
	"github.com/tiershift/tiershift/internal/workload"
)

// +kubebuilder:rbac:groups=tiershift.dev,resources=routingpolicies,verbs=get;list;watch
// +kubebuilder:rbac:groups=tiershift.dev,resources=routingpolicies/status,verbs=patch
// +kubebuilder:rbac:groups=tiershift.dev,resources=routingpolicies/finalizers,verbs=update
// +kubebuilder:rbac:groups=tiershift.dev,resources=modeltiers;providercredentials,verbs=get;list;watch
// +kubebuilder:rbac:groups="",resources=secrets,verbs=get;list;watch;create
// +kubebuilder:rbac:groups="",resources=configmaps;serviceaccounts;services,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=apps,resources=deployments,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=autoscaling,resources=horizontalpodautoscalers,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=policy,resources=poddisruptionbudgets,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups=networking.k8s.io,resources=networkpolicies,verbs=get;list;watch;create;patch;delete
// +kubebuilder:rbac:groups="",resources=pods,verbs=get;list;watch;patch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Reconciler reconciles RoutingPolicies.
type Reconciler struct {
	Client  client.Client
	Applier *apply.Applier
	Secrets *secrets.Reader
	// Classifiers tells which trained classifiers can be used.
	Classifiers *classifiers.Reader
	Routers     acknowledge.Acknowledger
	Events      events.EventRecorder
	Catalogue   pricing.List
	// Router says how routers are run.
	Router workload.Router
	Now    func() time.Time
}

// Reconcile brings the policy into service and says how far that is. What it made
// for a policy that is deleted goes with the policy, by owner references.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var policy v1alpha1.RoutingPolicy
	if err := r.Client.Get(ctx, request.NamespacedName, &policy); err != nil {
		r.Applier.Forget(request.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !policy.DeletionTimestamp.IsZero() {
		return ctrl.Result{}, nil
	}
	facts, err := r.gather(ctx, &policy)
	if err != nil {
		return ctrl.Result{}, err
	}
	plan := decide(&facts)
	rollout, err := r.rollOut(ctx, &facts, &plan)
	if err != nil {
		return ctrl.Result{}, err
	}
	if err := r.report(ctx, &facts, &plan, &rollout); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{RequeueAfter: recheck(&facts, &plan, &rollout)}, nil
}
