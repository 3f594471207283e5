package workload

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

func renderAutoscaler(in Input) *autoscalingv2.HorizontalPodAutoscaler {
	autoscaling := in.Policy.Spec.Gateway.Autoscaling
	if autoscaling == nil {
		return nil
	}
	return &autoscalingv2.HorizontalPodAutoscaler{
		TypeMeta:   metav1.TypeMeta{APIVersion: "autoscaling/v2", Kind: "HorizontalPodAutoscaler"},
		ObjectMeta: objectMeta(in),
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: Name(in.Policy.Name)},
			MinReplicas:    new(MinReplicas(autoscaling)),
			MaxReplicas:    autoscaling.MaxReplicas,
			Metrics: []autoscalingv2.MetricSpec{{
				Type: autoscalingv2.ResourceMetricSourceType,
				Resource: &autoscalingv2.ResourceMetricSource{
					Name: corev1.ResourceCPU,
					Target: autoscalingv2.MetricTarget{
						Type:               autoscalingv2.UtilizationMetricType,
						AverageUtilization: new(deref(autoscaling.TargetCPUPercent, v1alpha1.DefaultGatewayTargetCPUPercent)),
					},
				},
			}},
		},
	}
}

// MinReplicas is the least number of pods. The default gives way to a lower
// maximum.
func MinReplicas(autoscaling *v1alpha1.GatewayAutoscaling) int32 {
	return min(deref(autoscaling.MinReplicas, v1alpha1.DefaultGatewayMinReplicas), autoscaling.MaxReplicas)
}

// renderDisruptionBudget lets nodes be drained one router at a time. A router
// that is not ready serves nobody and may always go.
func renderDisruptionBudget(in Input) *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{
		TypeMeta:   metav1.TypeMeta{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"},
		ObjectMeta: objectMeta(in),
		Spec: policyv1.PodDisruptionBudgetSpec{
			Selector:                   &metav1.LabelSelector{MatchLabels: SelectorLabels(in.Policy.Name)},
			MaxUnavailable:             new(intstr.FromInt32(1)),
			UnhealthyPodEvictionPolicy: new(policyv1.AlwaysAllow),
		},
	}
}
