package shift

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/controller/index"
	"github.com/tiershift/tiershift/internal/metricsource"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/shifting"
	"github.com/tiershift/tiershift/internal/workload"
)

// gather reads the config that the policy's routers are given, and finds the
// routers. Without a config there is nothing to decide on yet.
func (r *Reconciler) gather(ctx context.Context, policy *v1alpha1.RoutingPolicy) (shifting.Round, error) {
	round := shifting.Round{Policy: policy, Now: r.Now()}
	var configs corev1.ConfigMapList
	var pods corev1.PodList
	for _, list := range []client.ObjectList{&configs, &pods} {
		if err := r.Client.List(ctx, list, client.InNamespace(policy.Namespace), index.MadeFor(policy.Name)); err != nil {
			return round, fmt.Errorf("list what was made for the policy: %w", err)
		}
	}
	var err error
	if round.Config, err = configOf(policy, configs.Items); err != nil {
		return round, err
	}
	for i := range pods.Items {
		if pod := &pods.Items[i]; serves(pod) {
			round.Targets = append(round.Targets, metricsource.Target{ID: string(pod.UID), URL: "http://" + r.Address(pod) + "/metrics"})
		}
	}
	return round, nil
}

// configOf is the config of status.configDigest; nil: there is none.
func configOf(policy *v1alpha1.RoutingPolicy, configs []corev1.ConfigMap) (*routerconfig.Config, error) {
	for i := range configs {
		c := &configs[i]
		if digest := c.Annotations[workload.ConfigDigestAnnotation]; digest == "" || digest != policy.Status.ConfigDigest {
			continue
		}
		document := c.BinaryData[workload.ConfigKey]
		if document == nil {
			document = []byte(c.Data[workload.ConfigKey])
		}
		config, err := routerconfig.Decode(document)
		if err != nil {
			return nil, fmt.Errorf("config in ConfigMap %s: %w", c.Name, err)
		}
		return config, nil
	}
	return nil, nil
}

// serves is whether the pod's router serves clients, and is to go on.
func serves(pod *corev1.Pod) bool {
	if !pod.DeletionTimestamp.IsZero() || pod.Status.PodIP == "" {
		return false
	}
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}
