package routingpolicy

import (
	"errors"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/controller/apply"
	"github.com/tiershift/tiershift/internal/controller/conditions"
	"github.com/tiershift/tiershift/internal/workload"
)

// counts are the gateway's replicas.
type counts struct {
	// total are to be, ready are, acknowledged serve the digest.
	total, ready, acknowledged int32
}

func count(f *facts, out *rollout) counts {
	c := counts{total: replicas(f.policy, out.deployment)}
	for i := range out.pods {
		if out.pods[i].ready {
			c.ready++
		}
		if out.liveDigest != "" && out.pods[i].serves(out.liveDigest) {
			c.acknowledged++
		}
	}
	return c
}

// replicas is how many there are to be; of an autoscaled gateway, as the
// Deployment stands.
func replicas(policy *v1alpha1.RoutingPolicy, deployment *appsv1.Deployment) int32 {
	gateway := &policy.Spec.Gateway
	switch {
	case gateway.Autoscaling != nil && deployment != nil && deployment.Spec.Replicas != nil:
		return *deployment.Spec.Replicas
	case gateway.Autoscaling != nil:
		return workload.MinReplicas(gateway.Autoscaling)
	case gateway.Replicas != nil:
		return *gateway.Replicas
	}
	return v1alpha1.DefaultGatewayReplicas
}

// verdict is a condition but for its type.
type verdict struct {
	ok              bool
	reason, message string
	// stalled is true when only a change of the policy helps.
	stalled bool
}

// programmed says whether the config that was compiled for this generation is
// what every ready replica serves.
func programmed(f *facts, p *plan, out *rollout) verdict {
	if v, ok := notRolledOut(f, p, out); ok {
		return v
	}
	c := count(f, out)
	for i := range out.pods {
		pod := &out.pods[i]
		if pod.ready && !pod.outdated && pod.answer.Err == nil && pod.answer.Served.Error != "" && !pod.serves(p.digest()) {
			return verdict{reason: v1alpha1.ReasonConfigRejected, message: fmt.Sprintf(
				"pod %s refused the config and serves the last good one (%s): %s",
				pod.pod.Name, short(pod.answer.Served.Digest), pod.answer.Served.Error)}
		}
	}
	switch {
	case c.ready == 0:
		return verdict{reason: v1alpha1.ReasonProgressing, message: fmt.Sprintf("0 of %d replicas are ready%s", c.total, hindrances(out))}
	case c.acknowledged < c.ready:
		return verdict{reason: v1alpha1.ReasonProgressing, message: fmt.Sprintf(
			"%d of %d ready replicas serve config %s: waiting for %s", c.acknowledged, c.ready, short(p.digest()), laggards(out, p.digest()))}
	}
	message := fmt.Sprintf("%d of %d replicas serve config %s", c.acknowledged, c.total, short(p.digest()))
	return verdict{ok: true, reason: v1alpha1.ReasonProgrammed, message: message + hindrances(out)}
}

// notRolledOut is the verdict on a config that routers cannot have, if it is such.
func notRolledOut(f *facts, p *plan, out *rollout) (verdict, bool) {
	var tooLarge *workload.ConfigTooLargeError
	var foreign *apply.ForeignError
	switch {
	case errors.As(p.renderFault, &tooLarge):
		return verdict{reason: v1alpha1.ReasonConfigTooLarge, message: p.renderFault.Error() + keeps(out), stalled: true}, true
	case p.renderFault != nil:
		return verdict{reason: v1alpha1.ReasonError, message: p.renderFault.Error() + keeps(out), stalled: true}, true
	case p.compiled.Config == nil:
		return verdict{reason: v1alpha1.ReasonNotReady, message: "there is no config to serve: Accepted and ResolvedRefs say why" + keeps(out)}, true
	case f.policy.Spec.Suspend && out.liveDigest != p.digest():
		return verdict{reason: v1alpha1.ReasonSuspended, message: "spec.suspend is true: the config of this generation is not rolled out" + keeps(out)}, true
	case errors.As(out.fault, &foreign) && foreign.Leftover:
		return verdict{reason: v1alpha1.ReasonProgressing, message: out.fault.Error()}, true
	case out.fault != nil:
		return verdict{reason: v1alpha1.ReasonError, message: out.fault.Error()}, true
	case !workload.HasGateway(f.policy):
		return verdict{reason: v1alpha1.ReasonNoReplicas, message: "spec.gateway.replicas is 0: the policy runs no router", stalled: true}, true
	}
	return verdict{}, false
}

// keeps says what routers go on with.
func keeps(out *rollout) string {
	if out.liveDigest == "" {
		return ""
	}
	return fmt.Sprintf("; routers go on with config %s", short(out.liveDigest))
}

// short is what people compare of a digest.
func short(digest string) string {
	const shown = 12
	hash := strings.TrimPrefix(digest, "sha256:")
	return hash[:min(len(hash), shown)]
}

// laggards name the ready pods that serve something else, with why if known. A
// long list is cut.
func laggards(out *rollout, digest string) string {
	const most = 3
	var names []string
	for i := range out.pods {
		p := &out.pods[i]
		switch {
		case !p.ready || p.serves(digest):
		case p.outdated:
			names = append(names, fmt.Sprintf("pod %s (to be replaced: it lacks the key files or the router of this config, and serves the one before)", p.pod.Name))
		case p.answer.Err != nil:
			names = append(names, fmt.Sprintf("pod %s (%v)", p.pod.Name, p.answer.Err))
		default:
			names = append(names, "pod "+p.pod.Name)
		}
	}
	if len(names) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	return strings.Join(names, ", ")
}

// hindrances say why replicas are missing, as far as the cluster says.
func hindrances(out *rollout) string {
	for i := range out.pods {
		if why := trouble(out.pods[i].pod); !out.pods[i].ready && why != "" {
			return "; " + why
		}
	}
	if out.deployment == nil {
		return ""
	}
	for i := range out.deployment.Status.Conditions {
		if c := &out.deployment.Status.Conditions[i]; c.Type == appsv1.DeploymentReplicaFailure && c.Status == corev1.ConditionTrue {
			return "; " + c.Message
		}
	}
	return ""
}

func setProgrammed(set *conditions.Set, v verdict) {
	if v.ok {
		set.True(v1alpha1.ConditionProgrammed, v.reason, v.message)
		return
	}
	set.False(v1alpha1.ConditionProgrammed, v.reason, v.message)
}
