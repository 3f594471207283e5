package routingpolicy

import (
	"context"
	"errors"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/internal/controller/acknowledge"
	"github.com/tiershift/tiershift/internal/controller/apply"
	"github.com/tiershift/tiershift/internal/controller/index"
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
	// configs are the ConfigMaps of the policy: of the config as planned, and of
	// those that pods of an earlier template mount.
	configs []corev1.ConfigMap
	// pods are those of the gateway that are to stay, with what their routers
	// said if they are ready.
	pods []podFact
}

// podFact is a gateway pod.
type podFact struct {
	pod   *corev1.Pod
	ready bool
	// outdated is true of a pod that cannot serve the config as planned, since its
	// router or its key files are those of an earlier template. It serves the
	// config before until it is replaced.
	outdated bool
	answer   acknowledge.Answer
}

// rollOut applies the plan, asks the routers what they serve, hastens the plan's
// way into their pods, and removes what no pod needs any more. Of a suspended
// policy, or one without a config, it only looks.
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
	if err := r.hasten(ctx, f, p, &out); err != nil {
		return out, err
	}
	err := r.retire(ctx, f, p, &out)
	return out, err
}

func (r *Reconciler) applyAll(ctx context.Context, f *facts, p *plan) error {
	// Routers serve without it, but take no feedback.
	noKey := r.createRequestIDKey(ctx, f, p)
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
	return noKey
}

// lasting is whether someone has to do something about the error.
func lasting(err error) bool {
	return isForeign(err) || apierrors.IsInvalid(err) || apierrors.IsForbidden(err) || apierrors.IsBadRequest(err)
}

// look reads the objects and pods as they stand. The cache may not have seen
// what was applied a moment ago: what was applied is known without it.
func (r *Reconciler) look(ctx context.Context, f *facts, p *plan, out *rollout) error {
	name := workload.Name(f.policy.Name)
	var deployment appsv1.Deployment
	if found, err := r.get(ctx, f.policy.Namespace, name, &deployment); err != nil {
		return err
	} else if found {
		out.deployment = &deployment
	}
	var service corev1.Service
	if found, err := r.get(ctx, f.policy.Namespace, name, &service); err != nil {
		return err
	} else if found {
		out.service = &service
	}
	var configs corev1.ConfigMapList
	if err := r.ofPolicy(ctx, f, &configs); err != nil {
		return err
	}
	out.configs = configs.Items
	out.liveDigest = liveDigest(out, p)
	var pods corev1.PodList
	if err := r.ofPolicy(ctx, f, &pods); err != nil {
		return err
	}
	for i := range pods.Items {
		if pod := &pods.Items[i]; belongs(pod, name) {
			outdated := out.applied && workload.ConfigMounted(&pod.Spec) != p.configMap
			out.pods = append(out.pods, podFact{pod: pod, ready: isReady(pod), outdated: outdated})
		}
	}
	return nil
}

// ofPolicy lists what was made for the policy.
func (r *Reconciler) ofPolicy(ctx context.Context, f *facts, into client.ObjectList) error {
	return r.Client.List(ctx, into, client.InNamespace(f.policy.Namespace), index.MadeFor(f.policy.Name))
}

// liveDigest is of the config in the ConfigMap that new pods mount; without pods,
// of any.
func liveDigest(out *rollout, p *plan) string {
	if out.applied {
		return p.digest()
	}
	mounted := ""
	if out.deployment != nil {
		mounted = workload.ConfigMounted(&out.deployment.Spec.Template.Spec)
	}
	for i := range out.configs {
		if mounted == "" || out.configs[i].Name == mounted {
			return out.configs[i].Annotations[workload.ConfigDigestAnnotation]
		}
	}
	return ""
}

// retire deletes the ConfigMaps of earlier pod templates once no pod of these is
// left, nor can come back.
func (r *Reconciler) retire(ctx context.Context, f *facts, p *plan, out *rollout) error {
	if !rolledOver(f, p, out) {
		return nil
	}
	for i := range out.configs {
		if old := &out.configs[i]; old.Name != p.configMap {
			if _, err := r.Applier.Absent(ctx, f.policy, old); err != nil {
				return err
			}
		}
	}
	return nil
}

// rolledOver is whether the pods of the planned template are the only ones, as
// kubectl rollout status tells it.
func rolledOver(f *facts, p *plan, out *rollout) bool {
	if !workload.HasGateway(f.policy) {
		return true
	}
	d := out.deployment
	if d == nil || workload.ConfigMounted(&d.Spec.Template.Spec) != p.configMap || d.Status.ObservedGeneration < d.Generation {
		return false
	}
	return d.Status.UpdatedReplicas > 0 && d.Status.UpdatedReplicas == d.Status.Replicas &&
		!slices.ContainsFunc(out.pods, func(p podFact) bool { return p.outdated })
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
