package shift

import (
	"context"
	"net/http"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/predicate"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/controller/apply"
	"github.com/tiershift/tiershift/internal/shifting"
)

// +kubebuilder:rbac:groups=tiershift.dev,resources=routingpolicies,verbs=list;watch
// +kubebuilder:rbac:groups=tiershift.dev,resources=routingpolicies/status,verbs=patch
// +kubebuilder:rbac:groups="",resources=configmaps;pods,verbs=list;watch
// +kubebuilder:rbac:groups=events.k8s.io,resources=events,verbs=create;patch

// Reconciler keeps the splits of RoutingPolicies.
type Reconciler struct {
	Client  client.Client
	Events  events.EventRecorder
	Metrics *Metrics
	// Address is where a pod's admin port is.
	Address func(*corev1.Pod) string
	// Routers scrapes routers, Prometheus is the transport to Prometheus.
	Routers    *http.Client
	Prometheus http.RoundTripper
	Now        func() time.Time
	// Wait is how long to really wait for so much time to pass by Now.
	Wait func(time.Duration) time.Duration

	mu    sync.Mutex
	desks map[types.NamespacedName]*desk
}

// desk is a policy's, as long as it is the same policy.
type desk struct {
	*shifting.Desk
	uid types.UID
}

// SetupWithManager starts the controller with the manager. Beside the clock, what
// counts is another spec, and another config that routers are given.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, options controller.Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("shift").
		For(&v1alpha1.RoutingPolicy{}, builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, newConfig()))).
		WithOptions(options).
		Complete(r)
}

func newConfig() predicate.Predicate {
	return predicate.Funcs{UpdateFunc: func(e event.UpdateEvent) bool {
		before, ok := e.ObjectOld.(*v1alpha1.RoutingPolicy)
		after, both := e.ObjectNew.(*v1alpha1.RoutingPolicy)
		return ok && both && before.Status.ConfigDigest != after.Status.ConfigDigest
	}}
}

// Reconcile holds the round of decisions on the policy's routes that is due.
func (r *Reconciler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var policy v1alpha1.RoutingPolicy
	err := r.Client.Get(ctx, request.NamespacedName, &policy)
	if apierrors.IsNotFound(err) || err == nil && (!policy.DeletionTimestamp.IsZero() || shifting.Idle(&policy)) {
		r.forget(request.NamespacedName)
		return ctrl.Result{}, nil
	}
	if err != nil {
		return ctrl.Result{}, err
	}
	round, err := r.gather(ctx, &policy)
	if err != nil || round.Config == nil {
		return ctrl.Result{}, err
	}
	outcome := r.desk(&policy).Hold(ctx, round)
	return r.publish(ctx, &policy, &outcome)
}

// publish keeps and tells what came of a round, and says when the next is due.
func (r *Reconciler) publish(ctx context.Context, policy *v1alpha1.RoutingPolicy, outcome *shifting.Outcome) (ctrl.Result, error) {
	if err := r.keep(ctx, policy, outcome); apierrors.IsConflict(err) {
		return ctrl.Result{RequeueAfter: again}, nil // on what the policy has become
	} else if err != nil {
		return ctrl.Result{}, err
	}
	r.tell(policy, outcome)
	return ctrl.Result{RequeueAfter: r.Wait(outcome.Next)}, nil
}

// keep writes the status, if it tells something new.
func (r *Reconciler) keep(ctx context.Context, policy *v1alpha1.RoutingPolicy, outcome *shifting.Outcome) error {
	if outcome.Faults != nil {
		log.FromContext(ctx).V(1).Info("not all could be measured", "error", outcome.Faults.Error())
	}
	if outcome.Changed {
		status := &v1alpha1.RoutingPolicyStatus{Routes: outcome.Routes}
		if err := apply.StatusAsRead(ctx, r.Client, policy, status, apply.SplitOwner); err != nil {
			return err
		}
	}
	outcome.Kept()
	return nil
}

// again is when to decide on a policy that changed in the meantime.
const again = 200 * time.Millisecond

// desk is the policy's desk, a new one for a new policy.
func (r *Reconciler) desk(policy *v1alpha1.RoutingPolicy) *desk {
	r.mu.Lock()
	defer r.mu.Unlock()
	name := client.ObjectKeyFromObject(policy)
	d := r.desks[name]
	if d == nil || d.uid != policy.UID {
		d = &desk{Desk: shifting.NewDesk(shifting.Options{Routers: r.Routers, Prometheus: r.Prometheus}), uid: policy.UID}
		if r.desks == nil {
			r.desks = map[types.NamespacedName]*desk{}
		}
		r.desks[name] = d
	}
	return d
}

func (r *Reconciler) forget(name types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.desks, name)
	r.Metrics.forget(name)
}
