package routingpolicy

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/controller/apply"
	"github.com/tiershift/tiershift/internal/controller/conditions"
	"github.com/tiershift/tiershift/internal/workload"
)

const (
	// whileWaiting is when routers that were just given a config are asked again.
	// Those that take longer are asked less often, but every whileBroken.
	whileWaiting = 500 * time.Millisecond
	// whileBroken is when to look at what no watch tells of, such as an object
	// that someone else made.
	whileBroken = 15 * time.Second
	// whileSilent is when a router is asked again that answered before and does not
	// now.
	whileSilent = 5 * time.Second
	// whileServing is when routers that serve what they should are asked again.
	whileServing = time.Minute
)

// owned are the conditions that this controller applies.
var owned = []string{
	v1alpha1.ConditionAccepted, v1alpha1.ConditionResolvedRefs, v1alpha1.ConditionProgrammed, v1alpha1.ConditionBudgetWithinLimit,
	v1alpha1.ConditionReady, conditions.Reconciling, conditions.Stalled,
}

// report writes the status, if it changed, and tells what is news. It applies only
// the fields that are this controller's: splits and spend are written by others.
func (r *Reconciler) report(ctx context.Context, f *facts, p *plan, out *rollout) error {
	status, changed := describe(f, p, out)
	if equality.Semantic.DeepEqual(ours(&f.policy.Status), status) {
		return nil
	}
	if err := apply.Status(ctx, r.Client, f.policy, &status); err != nil {
		return err
	}
	conditions.Emit(r.Events, f.policy, changed)
	return nil
}

// ours is the part of the status that this controller applies.
func ours(status *v1alpha1.RoutingPolicyStatus) v1alpha1.RoutingPolicyStatus {
	list := slices.DeleteFunc(conditions.Sorted(status.Conditions), func(c metav1.Condition) bool { return !slices.Contains(owned, c.Type) })
	return v1alpha1.RoutingPolicyStatus{
		ObservedGeneration: status.ObservedGeneration, Conditions: list, TierNames: status.TierNames,
		Gateway: status.Gateway, ConfigDigest: status.ConfigDigest,
	}
}

// describe is the status, and the conditions in it that are news.
func describe(f *facts, p *plan, out *rollout) (v1alpha1.RoutingPolicyStatus, []metav1.Condition) {
	set := conditions.New(f.policy.Generation, f.policy.Status.Conditions, f.now)
	stalled := accepted(set, p.compiled.Problems)
	resolvedRefs(set, f, p.compiled.Problems)
	v := programmed(f, p, out)
	setProgrammed(set, v)
	budget(set, f.policy)
	reason, message := v1alpha1.ReasonReady, "serves what its spec asks for"
	if f.policy.Spec.Suspend {
		reason, message = v1alpha1.ReasonSuspended, "serves; nothing changes while spec.suspend is true"
	}
	set.Ready(reason, message, v1alpha1.ConditionAccepted, v1alpha1.ConditionResolvedRefs, v1alpha1.ConditionProgrammed)
	set.Progress(stalled || v.stalled)
	return v1alpha1.RoutingPolicyStatus{
		ObservedGeneration: f.policy.Generation,
		Conditions:         set.List(),
		TierNames:          tierNames(f),
		Gateway:            gateway(f, out),
		ConfigDigest:       cmp.Or(out.liveDigest, f.policy.Status.ConfigDigest),
	}, set.Changed()
}

// tierNames are the tiers that exist by ascending rank.
func tierNames(f *facts) string {
	tiers := slices.Clone(f.tiers)
	slices.SortFunc(tiers, func(a, b v1alpha1.ModelTier) int {
		return cmp.Or(cmp.Compare(a.Spec.Rank, b.Spec.Rank), cmp.Compare(a.Name, b.Name))
	})
	names := make([]string, len(tiers))
	for i := range tiers {
		names[i] = tiers[i].Name
	}
	return strings.Join(names, ",")
}

func gateway(f *facts, out *rollout) *v1alpha1.GatewayStatus {
	if !workload.HasGateway(f.policy) || out.deployment == nil && !out.applied {
		return nil
	}
	c := count(f, out)
	return &v1alpha1.GatewayStatus{
		URL:      gatewayURL(f.policy, out.service),
		Replicas: &v1alpha1.RouterCount{Total: c.total, Acknowledged: c.acknowledged},
	}
}

// gatewayURL is the load balancer's once it has an address.
func gatewayURL(policy *v1alpha1.RoutingPolicy, service *corev1.Service) string {
	if service != nil && service.Spec.Type == corev1.ServiceTypeLoadBalancer && len(service.Spec.Ports) > 0 {
		for _, ingress := range service.Status.LoadBalancer.Ingress {
			if host := cmp.Or(ingress.Hostname, ingress.IP); host != "" {
				return "http://" + net.JoinHostPort(host, strconv.Itoa(int(service.Spec.Ports[0].Port)))
			}
		}
	}
	return workload.URL(policy)
}

func budget(set *conditions.Set, policy *v1alpha1.RoutingPolicy) {
	if policy.Spec.Budget == nil {
		set.True(v1alpha1.ConditionBudgetWithinLimit, v1alpha1.ReasonNoBudget, "the policy has no budget")
		return
	}
	set.Unknown(v1alpha1.ConditionBudgetWithinLimit, v1alpha1.ReasonSpendUnknown,
		fmt.Sprintf("the spend of the %s is not counted against the limit of %s USD",
			strings.ToLower(string(policy.Spec.Budget.Period)), policy.Spec.Budget.LimitUSD))
}

// recheck is when to look again by the clock.
func recheck(f *facts, p *plan, out *rollout) time.Duration {
	after := whileServing
	switch {
	case out.fault != nil:
		after = whileBroken
	case out.applied:
		for i := range out.pods {
			after = min(after, askAgain(&out.pods[i], p.digest(), f.now))
		}
	}
	if until := p.compiled.PricesUntil; !until.IsZero() {
		after = min(after, max(until.Sub(f.now), time.Second))
	}
	if classifierRef(f.policy) != nil {
		after = min(after, whileClassifier)
	}
	return after
}

// whileClassifier is how often the ConfigMap of a trained classifier is looked at:
// those of others are not watched. It takes a kubelet as long to bring a change to
// the routers.
const whileClassifier = time.Minute

// askAgain is when to ask the pod's router again. A pod that is to be replaced, or
// to get ready, is watched.
func askAgain(p *podFact, digest string, now time.Time) time.Duration {
	switch {
	case !p.ready || p.outdated:
		return whileServing
	case p.serves(digest) && p.answer.Served.Stale:
		return whileSilent
	case p.serves(digest):
		return whileServing
	}
	since, err := time.Parse(time.RFC3339, p.pod.Annotations[hastenedAtAnnotation])
	if err != nil {
		return whileWaiting
	}
	return min(max(now.Sub(since)/4, whileWaiting), whileBroken)
}
