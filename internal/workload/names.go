package workload

import (
	"maps"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

const (
	// ManagedBy is the value of the label app.kubernetes.io/managed-by on every
	// rendered object and its pods.
	ManagedBy = "tiershift"

	// ConfigKey is the key of the ConfigMap that holds the config document. One
	// that is compressed has the same name, so that no pod template tells which.
	ConfigKey = "config.json"
	// configVolume is the volume of the ConfigMap in a pod.
	configVolume = "config"

	// AdminPort serves probes, metrics and GET /config.
	AdminPort = 8081
	// TrafficPort serves clients.
	TrafficPort = 8080

	// ConfigDigestAnnotation holds the digest of the config: on the ConfigMap,
	// and on a pod as what its kubelet was last asked to mount.
	ConfigDigestAnnotation = v1alpha1.GroupName + "/config-digest"
	// containerAnnotation names the container that kubectl logs and exec take.
	containerAnnotation = "kubectl.kubernetes.io/default-container"
)

// The labels of every rendered object.
const (
	labelName      = "app.kubernetes.io/name"
	labelInstance  = "app.kubernetes.io/instance"
	labelComponent = "app.kubernetes.io/component"
	labelPartOf    = "app.kubernetes.io/part-of"
	labelManagedBy = "app.kubernetes.io/managed-by"

	routerName      = "tiershift-router"
	gatewayPart     = "gateway"
	containerRouter = "router"
)

// Name is the name of every object that is rendered for a policy, but for the
// ConfigMap's. It differs from the policy's own, which an application's Service
// may well have too.
func Name(policy string) string { return policy + "-gateway" }

// SelectorLabels tell the pods of a policy's gateway from all others of the
// namespace. A Deployment's selector cannot be changed, so they never do.
func SelectorLabels(policy string) map[string]string {
	return map[string]string{labelName: routerName, labelInstance: policy, labelComponent: gatewayPart}
}

// ManagedLabels select every object and pod that is rendered for any policy.
func ManagedLabels() map[string]string {
	return map[string]string{labelManagedBy: ManagedBy}
}

// PolicyOf is the name of the policy that an object with these labels was
// rendered for. It is false for all other objects.
func PolicyOf(labels map[string]string) (string, bool) {
	policy := labels[labelInstance]
	return policy, policy != "" && labels[labelName] == routerName && labels[labelManagedBy] == ManagedBy
}

// ObjectLabels are the labels of everything that is made for a policy.
func ObjectLabels(policy string) map[string]string {
	labels := SelectorLabels(policy)
	labels[labelPartOf] = ManagedBy
	labels[labelManagedBy] = ManagedBy
	return labels
}

// over returns the entries of base and top; those of top win.
func over(base, top map[string]string) map[string]string {
	merged := maps.Clone(base)
	if merged == nil {
		merged = map[string]string{}
	}
	maps.Copy(merged, top)
	return merged
}
