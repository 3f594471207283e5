package routingpolicy

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/controller/apply"
	"github.com/tiershift/tiershift/internal/workload"
)

const (
	secretsVersionAnnotation = v1alpha1.GroupName + "/secrets-version"
	hastenedAtAnnotation     = v1alpha1.GroupName + "/hastened-at"

	// hastenAgain is when a kubelet that mounted nothing new is asked once more:
	// it may have looked before its own watch brought the new version.
	hastenAgain = 10 * time.Second
)

// belongs is whether the pod is one of the Deployment's and is to stay. Its
// ReplicaSet is known by name, which saves watching every ReplicaSet.
func belongs(pod *corev1.Pod, deployment string) bool {
	owner := metav1.GetControllerOfNoCopy(pod)
	return owner != nil && owner.Kind == "ReplicaSet" &&
		owner.Name == deployment+"-"+pod.Labels[appsv1.DefaultDeploymentUniqueLabelKey] &&
		pod.DeletionTimestamp.IsZero() && pod.Status.Phase != corev1.PodFailed && pod.Status.Phase != corev1.PodSucceeded
}

func isReady(pod *corev1.Pod) bool {
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue && pod.Status.PodIP != ""
		}
	}
	return false
}

// hasten has the kubelets mount the config and the keys at once. Left alone, a
// kubelet looks at mounted ConfigMaps and Secrets about once a minute; it does so
// within a second when its pod changes, and an annotation is the least of changes.
func (r *Reconciler) hasten(ctx context.Context, f *facts, p *plan, out *rollout) error {
	for i := range out.pods {
		pod := out.pods[i].pod
		// Before a pod has an address it has mounted nothing that could be old.
		if out.pods[i].outdated || pod.Status.PodIP == "" {
			continue
		}
		want := map[string]string{workload.ConfigDigestAnnotation: p.digest(), secretsVersionAnnotation: p.secretsVersion}
		if includes(pod.Annotations, want) && !overdue(&out.pods[i], p.digest(), f.now) {
			continue
		}
		want[hastenedAtAnnotation] = f.now.UTC().Format(time.RFC3339)
		patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": pod.UID, "annotations": want}})
		if err != nil {
			return err
		}
		answer := metadataOf(pod)
		err = r.Client.Patch(ctx, answer, client.RawPatch(types.MergePatchType, patch), apply.FieldOwner)
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("hasten pod %s: %w", pod.Name, err)
		}
		if err == nil {
			pod.Annotations = answer.Annotations // the next look at it is by them
		}
	}
	return nil
}

// metadataOf is the pod for a request whose answer need not have its spec.
func metadataOf(pod *corev1.Pod) *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{Namespace: pod.Namespace, Name: pod.Name}}
	object.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Pod"))
	return object
}

// overdue is whether the pod's router still serves another config, and refused
// none, although its kubelet was hastened a while ago.
func overdue(p *podFact, digest string, now time.Time) bool {
	if !p.ready || p.answer.Err != nil || p.answer.Served.Stale || p.answer.Served.Error != "" || p.serves(digest) {
		return false
	}
	at, err := time.Parse(time.RFC3339, p.pod.Annotations[hastenedAtAnnotation])
	return err != nil || now.Sub(at) >= hastenAgain
}

func includes(have, want map[string]string) bool {
	for name, value := range want {
		if have[name] != value {
			return false
		}
	}
	return true
}

// trouble is why a pod does not get ready, as far as it says.
func trouble(pod *corev1.Pod) string {
	for i := range pod.Status.ContainerStatuses {
		if w := pod.Status.ContainerStatuses[i].State.Waiting; w != nil && w.Reason != "" && w.Reason != "ContainerCreating" {
			return fmt.Sprintf("pod %s: %s", pod.Name, w.Reason)
		}
	}
	for i := range pod.Status.Conditions {
		if c := &pod.Status.Conditions[i]; c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Message != "" {
			return fmt.Sprintf("pod %s: %s", pod.Name, c.Message)
		}
	}
	return ""
}
