package routingpolicy

import (
	"context"
	"errors"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/internal/controller/acknowledge"
	"github.com/tiershift/tiershift/internal/controller/apply"
	"github.com/tiershift/tiershift/internal/workload"
)

// rollout is how far the plan has come.
type rollout struct {
	// fault is why an object could not be applied, where trying again at once
	// would not help.
	fault error
	// applied is true when every object is as planned.
	applied bool
	// liveDigest is of the config that routers are given as it stands.
	liveDigest string
	deployment *appsv1.Deployment
	service    *corev1.Service
	// pods are those of the gateway that are to stay, with what their routers
	// said if they are ready.
	pods []podFact
}

// podFact is a gateway pod.
type podFact struct {
	pod    *corev1.Pod
	ready  bool
	answer acknowledge.Answer
}

// rollOut applies the plan, asks the routers what they serve, and hastens the
// plan's way into their pods. Of a suspended policy, or one without a config, it only looks.
func (r *Reconciler) rollOut(ctx context.Context, f *facts, p *plan) (rollout, error) {
	var out rollout
	frozen := f.policy.Spec.Suspend || p.digest() == ""
	if !frozen {
		if err := r.applyAll(ctx, f, p); err != nil {
			if !lasting(err) {
				return out, err
			}
			out.fault = err
		}
		out.applied = out.fault == nil
	}
	if err := r.look(ctx, f, p, &out); err != nil {
		return out, err
	}
	r.ask(ctx, &out)
	if !out.applied {
		return out, nil
	}
	err := r.hasten(ctx, f, p, &out)
	return out, err
}

func (r *Reconciler) applyAll(ctx context.Context, f *facts, p *plan) error {
	for _, item := range p.items {
		if _, err := r.Applier.Apply(ctx, f.policy, item); err != nil {
			return err
		}
	}
	for _, object := range p.absent {
		if _, err := r.Applier.Absent(ctx, f.policy, object); err != nil {
			return err
		}
	}
	return nil
}

// lasting is whether someone has to do something about the error.
func lasting(err error) bool {
	return isForeign(err) || apierrors.IsInvalid(err) || apierrors.IsForbidden(err) || apierrors.IsBadRequest(err)
}

// look reads the objects and pods as they stand. The cache may not have seen
// what was applied a moment ago: what was applied is known without it.
func (r *Reconciler) look(ctx context.Context, f *facts, p *plan, out *rollout) error {
	name := workload.Name(f.policy.Name)
	var config corev1.ConfigMap
	found, err := r.get(ctx, f.policy.Namespace, name, &config)
	if err != nil {
		return err
	}
	if found {
		out.liveDigest = config.Annotations[workload.ConfigDigestAnnotation]
	}
	if out.applied {
		out.liveDigest = p.digest()
	}
	var deployment appsv1.Deployment
	if found, err = r.get(ctx, f.policy.Namespace, name, &deployment); err != nil {
		return err
	} else if found {
		out.deployment = &deployment
	}
	var service corev1.Service
	if found, err = r.get(ctx, f.policy.Namespace, name, &service); err != nil {
		return err
	} else if found {
		out.service = &service
	}
	var pods corev1.PodList
	err = r.Client.List(ctx, &pods, client.InNamespace(f.policy.Namespace), client.MatchingLabels(workload.SelectorLabels(f.policy.Name)))
	if err != nil {
		return err
	}
	for i := range pods.Items {
		if pod := &pods.Items[i]; belongs(pod, name) {
			out.pods = append(out.pods, podFact{pod: pod, ready: isReady(pod)})
		}
	}
	return nil
}

// ask asks the router of each ready pod.
func (r *Reconciler) ask(ctx context.Context, out *rollout) {
	var pods []corev1.Pod
	var at []int
	for i := range out.pods {
		if out.pods[i].ready {
			pods = append(pods, *out.pods[i].pod)
			at = append(at, i)
		}
	}
	for i, answer := range acknowledge.All(ctx, r.Routers, pods) {
		out.pods[at[i]].answer = answer
	}
}

// serves is whether the pod's router acknowledged the digest.
func (p *podFact) serves(digest string) bool {
	return p.ready && p.answer.Err == nil && p.answer.Served.Digest == digest
}

func isForeign(err error) bool {
	_, ok := errors.AsType[*apply.ForeignError](err)
	return ok
}
