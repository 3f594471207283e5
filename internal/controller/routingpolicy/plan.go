package routingpolicy

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/compile"
	"github.com/tiershift/tiershift/internal/controller/apply"
	"github.com/tiershift/tiershift/internal/workload"
)

// plan is what the policy's objects are to be.
type plan struct {
	compiled compile.Result
	// items are to exist, in the order in which they are applied; absent are not.
	items  []apply.Item
	absent []client.Object
	// configMap is the name of the ConfigMap with the config.
	configMap string
	// secretsVersion changes with every write to a Secret that routers mount.
	secretsVersion string
	// renderFault is why the compiled config cannot be rolled out.
	renderFault error
}

// digest is that of the config to serve; "" when there is none.
func (p *plan) digest() string {
	if p.compiled.Config == nil || p.renderFault != nil {
		return ""
	}
	return p.compiled.Config.Digest
}

// decide compiles and renders the facts. A policy that does not compile plans
// nothing: routers go on with what they have.
func decide(f *facts) plan {
	p := plan{compiled: compile.Compile(f.input())}
	if p.compiled.Config == nil {
		return p
	}
	objects, err := workload.Render(workload.Input{Policy: f.policy, Config: p.compiled.Config, Credentials: f.credentials, Router: f.router})
	if err != nil {
		p.renderFault = err
		return p
	}
	p.configMap = objects.ConfigMap.Name
	p.secretsVersion = secretsVersion(f, workload.SecretKeys(p.compiled.Config, f.credentials))
	p.place(&objects, f.policy)
	return p
}

// place sorts the objects into those that are to exist and those that are not.
// The config comes first, so that no router starts without one. That of the pods
// before stays until they are gone: see retire.
func (p *plan) place(o *workload.Objects, policy *v1alpha1.RoutingPolicy) {
	p.put(o.ConfigMap, true, nil, policy, nil)
	p.put(o.ServiceAccount, o.ServiceAccount != nil, &corev1.ServiceAccount{}, policy, nil)
	p.put(o.NetworkPolicy, o.NetworkPolicy != nil, &networkingv1.NetworkPolicy{}, policy, nil)
	p.put(o.Deployment, o.Deployment != nil, &appsv1.Deployment{}, policy, keepReplicas(policy))
	p.put(o.Service, o.Service != nil, &corev1.Service{}, policy, nil)
	p.put(o.HorizontalPodAutoscaler, o.HorizontalPodAutoscaler != nil, &autoscalingv2.HorizontalPodAutoscaler{}, policy, nil)
	p.put(o.PodDisruptionBudget, o.PodDisruptionBudget != nil, &policyv1.PodDisruptionBudget{}, policy, nil)
}

func (p *plan) put(object client.Object, exists bool, none client.Object, policy *v1alpha1.RoutingPolicy, keep func(live, desired client.Object)) {
	if exists {
		p.items = append(p.items, apply.Item{Object: object, Keep: keep})
		return
	}
	none.SetNamespace(policy.Namespace)
	none.SetName(workload.Name(policy.Name))
	p.absent = append(p.absent, none)
}

// keepReplicas leaves the number of pods to the autoscaler. It is applied all the
// same: a field that its owner no longer applies falls back to the default, one,
// and with it most of the gateway.
func keepReplicas(policy *v1alpha1.RoutingPolicy) func(live, desired client.Object) {
	autoscaling := policy.Spec.Gateway.Autoscaling
	if autoscaling == nil {
		return nil
	}
	return func(live, desired client.Object) {
		to, ok := desired.(*appsv1.Deployment)
		if !ok {
			return
		}
		replicas := workload.MinReplicas(autoscaling)
		if from, ok := live.(*appsv1.Deployment); ok && from.Spec.Replicas != nil {
			replicas = min(max(replicas, *from.Spec.Replicas), autoscaling.MaxReplicas)
		}
		to.Spec.Replicas = &replicas
	}
}

// secretsVersion tells nothing about the values: it is made of the versions that
// the API server counts.
func secretsVersion(f *facts, mounted map[string][]string) string {
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(mounted)) {
		fmt.Fprintf(&text, "%s %s\n", name, f.secrets[name].Version)
	}
	sum := sha256.Sum256([]byte(text.String()))
	return hex.EncodeToString(sum[:8])
}
