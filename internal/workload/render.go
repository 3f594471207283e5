package workload

import (
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/routerconfig"
)

// Input is all that the objects depend on.
type Input struct {
	Policy *v1alpha1.RoutingPolicy
	// Config is what the routers are to serve.
	Config *routerconfig.Config
	// Credentials are those that the policy's tiers name, in use or not.
	Credentials []v1alpha1.ProviderCredential
	Router      Router
}

// Router says how the operator runs routers, whatever the policy.
type Router struct {
	Image string
	// PullPolicy is the cluster's default when empty.
	PullPolicy corev1.PullPolicy
	// DrainDelay is how long a router accepts requests after SIGTERM, which must
	// outlast the propagation of endpoints; DrainTimeout is how long it then
	// waits for those in flight.
	DrainDelay, DrainTimeout time.Duration
}

// Objects are a policy's objects. One that is nil is not to exist.
type Objects struct {
	ConfigMap               *corev1.ConfigMap
	ServiceAccount          *corev1.ServiceAccount
	Deployment              *appsv1.Deployment
	Service                 *corev1.Service
	HorizontalPodAutoscaler *autoscalingv2.HorizontalPodAutoscaler
	PodDisruptionBudget     *policyv1.PodDisruptionBudget
	NetworkPolicy           *networkingv1.NetworkPolicy
}

// Render renders the objects of the policy. A policy of no replicas has only the
// ConfigMap, which shows what routers would serve. The error is a
// [*ConfigTooLargeError], or of the encoding.
func Render(in Input) (Objects, error) {
	configMap, err := renderConfigMap(in)
	if err != nil {
		return Objects{}, err
	}
	if !HasGateway(in.Policy) {
		return Objects{ConfigMap: configMap}, nil
	}
	return Objects{
		ConfigMap:               configMap,
		ServiceAccount:          renderServiceAccount(in),
		Deployment:              renderDeployment(in),
		Service:                 renderService(in),
		HorizontalPodAutoscaler: renderAutoscaler(in),
		PodDisruptionBudget:     renderDisruptionBudget(in),
		NetworkPolicy:           renderNetworkPolicy(in),
	}, nil
}

// HasGateway is whether the policy runs gateway pods.
func HasGateway(policy *v1alpha1.RoutingPolicy) bool {
	gateway := &policy.Spec.Gateway
	return gateway.Autoscaling != nil || gateway.Replicas == nil || *gateway.Replicas > 0
}

// URL is the base URL of the policy's gateway within the cluster.
func URL(policy *v1alpha1.RoutingPolicy) string {
	return fmt.Sprintf("http://%s.%s.svc:%d", Name(policy.Name), policy.Namespace, servicePort(policy))
}

func objectMeta(in Input) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: in.Policy.Namespace, Name: Name(in.Policy.Name), Labels: ObjectLabels(in.Policy.Name)}
}

// renderServiceAccount is an identity that may do nothing: a router never talks
// to the API server.
func renderServiceAccount(in Input) *corev1.ServiceAccount {
	return &corev1.ServiceAccount{
		TypeMeta:                     metav1.TypeMeta{APIVersion: "v1", Kind: "ServiceAccount"},
		ObjectMeta:                   objectMeta(in),
		AutomountServiceAccountToken: new(false),
	}
}
