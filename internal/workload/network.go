package workload

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

func renderService(in Input) *corev1.Service {
	spec := in.Policy.Spec.Gateway.Service
	if spec == nil {
		spec = &v1alpha1.GatewayService{}
	}
	meta := objectMeta(in)
	meta.Annotations = spec.Annotations
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: meta,
		Spec: corev1.ServiceSpec{
			Type:     corev1.ServiceType(cmp.Or(spec.Type, v1alpha1.ServiceClusterIP)),
			Selector: SelectorLabels(in.Policy.Name),
			Ports: []corev1.ServicePort{{
				Name: portTraffic, Port: servicePort(in.Policy), TargetPort: intstr.FromString(portTraffic), Protocol: corev1.ProtocolTCP,
				AppProtocol: new("http"),
			}},
		},
	}
}

func servicePort(policy *v1alpha1.RoutingPolicy) int32 {
	if service := policy.Spec.Gateway.Service; service != nil {
		return deref(service.Port, v1alpha1.DefaultGatewayPort)
	}
	return v1alpha1.DefaultGatewayPort
}

// renderNetworkPolicy lets everybody reach the traffic port, which asks for keys
// itself, and only the cluster's own pods the admin port, which does not. What
// routers reach is not limited: a provider may be anywhere, and for one inside
// the cluster the port that a policy would have to name is the pod's, which
// nobody here knows.
func renderNetworkPolicy(in Input) *networkingv1.NetworkPolicy {
	port := func(name string) []networkingv1.NetworkPolicyPort {
		return []networkingv1.NetworkPolicyPort{{Protocol: new(corev1.ProtocolTCP), Port: new(intstr.FromString(name))}}
	}
	return &networkingv1.NetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"},
		ObjectMeta: objectMeta(in),
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: SelectorLabels(in.Policy.Name)},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
			Ingress: []networkingv1.NetworkPolicyIngressRule{
				{Ports: port(portTraffic)},
				{Ports: port(portAdmin), From: []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{}}}},
			},
		},
	}
}
