package routingpolicy

import (
	"context"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/controller/conditions"
	"github.com/tiershift/tiershift/internal/controller/index"
	"github.com/tiershift/tiershift/internal/controller/secrets"
	"github.com/tiershift/tiershift/internal/workload"
)

// SetupWithManager starts the controller with the manager. Any change of a
// policy counts, also of its status: splits are compiled, and conditions that
// someone else overwrote are put right.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager, find *index.Finder, options controller.Options) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("routingpolicy").
		For(&v1alpha1.RoutingPolicy{}).
		Owns(&corev1.ConfigMap{}).
		Owns(&corev1.ServiceAccount{}).
		Owns(&corev1.Service{}).
		Owns(&appsv1.Deployment{}).
		Owns(&autoscalingv2.HorizontalPodAutoscaler{}).
		Owns(&policyv1.PodDisruptionBudget{}).
		Owns(&networkingv1.NetworkPolicy{}).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(policyOfPod)).
		Watches(&v1alpha1.ModelTier{}, handler.EnqueueRequestsFromMapFunc(find.PoliciesOfTier),
			builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&v1alpha1.ProviderCredential{}, handler.EnqueueRequestsFromMapFunc(find.PoliciesOfCredential),
			builder.WithPredicates(predicate.Or(predicate.GenerationChangedPredicate{}, authenticationChanged()))).
		WatchesMetadata(secrets.Metadata(), handler.EnqueueRequestsFromMapFunc(find.PoliciesOfSecret)).
		WithOptions(options).
		Complete(r)
}

func policyOfPod(_ context.Context, pod client.Object) []reconcile.Request {
	policy, ok := workload.PolicyOf(pod.GetLabels())
	if !ok {
		return nil
	}
	return []reconcile.Request{{NamespacedName: types.NamespacedName{Namespace: pod.GetNamespace(), Name: policy}}}
}

// authenticationChanged passes what a policy reads of a credential's status.
func authenticationChanged() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc:  func(event.CreateEvent) bool { return false },
		DeleteFunc:  func(event.DeleteEvent) bool { return false },
		GenericFunc: func(event.GenericEvent) bool { return false },
		UpdateFunc: func(e event.UpdateEvent) bool {
			before, ok := e.ObjectOld.(*v1alpha1.ProviderCredential)
			after, both := e.ObjectNew.(*v1alpha1.ProviderCredential)
			return ok && both && conditions.IsFalse(before.Status.Conditions, v1alpha1.ConditionAuthenticated) !=
				conditions.IsFalse(after.Status.Conditions, v1alpha1.ConditionAuthenticated)
		},
	}
}
