package workload

import (
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

const (
	// oldReplicaSets are kept for kubectl rollout undo; the operator needs none.
	oldReplicaSets = 2
	// killMargin is what a router that drained to its very timeout has left to
	// end by itself.
	killMargin = 10 * time.Second
)

// renderDeployment leaves the replicas to the autoscaler where there is one.
func renderDeployment(in Input) *appsv1.Deployment {
	gateway := &in.Policy.Spec.Gateway
	var replicas *int32
	if gateway.Autoscaling == nil {
		replicas = new(deref(gateway.Replicas, v1alpha1.DefaultGatewayReplicas))
	}
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: objectMeta(in),
		Spec: appsv1.DeploymentSpec{
			Replicas:             replicas,
			RevisionHistoryLimit: new(int32(oldReplicaSets)),
			Selector:             &metav1.LabelSelector{MatchLabels: SelectorLabels(in.Policy.Name)},
			// A router that is to go stays until its successor is ready.
			Strategy: appsv1.DeploymentStrategy{
				Type: appsv1.RollingUpdateDeploymentStrategyType,
				RollingUpdate: &appsv1.RollingUpdateDeployment{
					MaxUnavailable: new(intstr.FromInt32(0)), MaxSurge: new(intstr.FromString("25%")),
				},
			},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{
					Labels:      over(gateway.PodLabels, ObjectLabels(in.Policy.Name)),
					Annotations: over(gateway.PodAnnotations, map[string]string{containerAnnotation: containerRouter}),
				},
				Spec: podSpec(in),
			},
		},
	}
}

func podSpec(in Input) corev1.PodSpec {
	gateway := &in.Policy.Spec.Gateway
	volumes, mounts := mountedFiles(in)
	grace := in.Router.DrainDelay + in.Router.DrainTimeout + killMargin
	return corev1.PodSpec{
		ServiceAccountName:           Name(in.Policy.Name),
		AutomountServiceAccountToken: new(false),
		// Service variables of a namespace may fill the environment, and none is read.
		EnableServiceLinks:            new(false),
		TerminationGracePeriodSeconds: new(wholeSeconds(grace)),
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot:   new(true),
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		NodeSelector:              gateway.NodeSelector,
		Tolerations:               gateway.Tolerations,
		Affinity:                  gateway.Affinity,
		TopologySpreadConstraints: spread(in.Policy),
		PriorityClassName:         gateway.PriorityClassName,
		ImagePullSecrets:          gateway.ImagePullSecrets,
		Containers:                []corev1.Container{container(in, mounts)},
		Volumes:                   volumes,
	}
}

// wholeSeconds rounds up.
func wholeSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// spread puts the pods on different nodes as far as possible, unless the policy
// says otherwise. A constraint without a selector would match no pod, so it gets
// that of the gateway.
func spread(policy *v1alpha1.RoutingPolicy) []corev1.TopologySpreadConstraint {
	own := &metav1.LabelSelector{MatchLabels: SelectorLabels(policy.Name)}
	if len(policy.Spec.Gateway.TopologySpreadConstraints) == 0 {
		return []corev1.TopologySpreadConstraint{{
			MaxSkew: 1, TopologyKey: corev1.LabelHostname, WhenUnsatisfiable: corev1.ScheduleAnyway, LabelSelector: own,
		}}
	}
	constraints := make([]corev1.TopologySpreadConstraint, 0, len(policy.Spec.Gateway.TopologySpreadConstraints))
	for _, constraint := range policy.Spec.Gateway.TopologySpreadConstraints {
		if constraint.LabelSelector == nil {
			constraint.LabelSelector = own
		}
		constraints = append(constraints, constraint)
	}
	return constraints
}

func deref[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}
