package routingpolicy

import (
	"errors"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/controller/acknowledge"
	"github.com/tiershift/tiershift/internal/controller/apply"
	"github.com/tiershift/tiershift/internal/routerconfig"
	"github.com/tiershift/tiershift/internal/workload"
)

const (
	wanted = "sha256:aaaaaaaaaaaaaaaaaaaa"
	stale  = "sha256:bbbbbbbbbbbbbbbbbbbb"
)

func podNamed(name string) *corev1.Pod { return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}} }

func serving(name, digest, refused string) podFact {
	return podFact{pod: podNamed(name), ready: true, answer: acknowledge.Answer{Served: acknowledge.Served{Digest: digest, Error: refused}}}
}

func outdated(p podFact) podFact {
	p.outdated = true
	return p
}

func waiting(name, reason string) podFact {
	pod := podNamed(name)
	pod.Status.ContainerStatuses = []corev1.ContainerStatus{{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}}}
	return podFact{pod: pod}
}

func TestProgrammed(t *testing.T) {
	mute := podFact{pod: podNamed("c"), ready: true, answer: acknowledge.Answer{Err: errors.New("the admin port cannot be reached")}}
	suspended := func(p *v1alpha1.RoutingPolicy) { p.Spec.Suspend = true }
	for _, test := range []struct {
		name    string
		policy  func(*v1alpha1.RoutingPolicy)
		plan    func(*plan)
		rollout rollout
		want    string
		says    string
		stalled bool
	}{
		{
			name: "every ready replica serves it", rollout: rollout{pods: []podFact{serving("a", wanted, ""), serving("b", wanted, "")}},
			want: "Programmed", says: "2 of 2 replicas serve config aaaaaaaaaaaa",
		},
		{
			name: "a replica that is not ready yet does not count, and is named", rollout: rollout{pods: []podFact{serving("a", wanted, ""), waiting("b", "ImagePullBackOff")}},
			want: "Programmed", says: "1 of 2 replicas serve config aaaaaaaaaaaa; pod b: ImagePullBackOff",
		},
		{
			name: "a replica serves the one before", rollout: rollout{pods: []podFact{serving("a", wanted, ""), serving("b", stale, "")}},
			want: "Progressing", says: "1 of 2 ready replicas serve config aaaaaaaaaaaa: waiting for pod b",
		},
		{
			name: "a replica lacks the key files of it", rollout: rollout{pods: []podFact{serving("a", wanted, ""), outdated(serving("b", stale, "cannot"))}},
			want: "Progressing", says: "1 of 2 ready replicas serve config aaaaaaaaaaaa: waiting for pod b (to be replaced: it lacks",
		},
		{
			name: "a replica does not answer", rollout: rollout{pods: []podFact{serving("a", wanted, ""), mute}},
			want: "Progressing", says: "waiting for pod c (the admin port cannot be reached)",
		},
		{
			name: "a replica refused it", rollout: rollout{pods: []podFact{serving("a", wanted, ""), serving("b", stale, "unknown field")}},
			want: "ConfigRejected", says: "pod b refused the config and serves the last good one (bbbbbbbbbbbb): unknown field",
		},
		{
			name: "a replica that serves it had refused another", rollout: rollout{pods: []podFact{serving("a", wanted, "unknown field")}},
			want: "Programmed",
		},
		{name: "no data is not success", rollout: rollout{}, want: "Progressing", says: "0 of 2 replicas are ready"},
		{
			name: "no pod can be made", rollout: rollout{deployment: &appsv1.Deployment{Status: appsv1.DeploymentStatus{Conditions: []appsv1.DeploymentCondition{
				{Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Message: "exceeded quota"},
			}}}},
			want: "Progressing", says: "0 of 2 replicas are ready; exceeded quota",
		},
		{
			name: "there is no config", plan: func(p *plan) { p.compiled.Config = nil }, rollout: rollout{liveDigest: stale},
			want: "NotReady", says: "routers go on with config bbbbbbbbbbbb",
		},
		{
			name: "the config is too large", plan: func(p *plan) { p.renderFault = &workload.ConfigTooLargeError{Bytes: 2, Compressed: 1} },
			want: "ConfigTooLarge", says: "split the policy", stalled: true,
		},
		{
			name: "a name is taken", rollout: rollout{fault: &apply.ForeignError{Kind: "Service", Namespace: "n", Name: "s"}},
			want: "Error", says: "Service n/s exists and was not made for this policy",
		},
		{
			name: "the predecessor is still going", rollout: rollout{fault: &apply.ForeignError{Kind: "Service", Leftover: true}},
			want: "Progressing", says: "still being removed",
		},
		{
			name: "suspended with a change pending", policy: suspended, rollout: rollout{liveDigest: stale, pods: []podFact{serving("a", stale, "")}},
			want: "Suspended", says: "routers go on with config bbbbbbbbbbbb",
		},
		{
			name: "suspended as it was", policy: suspended, rollout: rollout{liveDigest: wanted, pods: []podFact{serving("a", wanted, "")}},
			want: "Programmed",
		},
		{
			name: "no replicas are asked for", policy: func(p *v1alpha1.RoutingPolicy) { p.Spec.Gateway.Replicas = new(int32(0)) },
			want: "NoReplicas", stalled: true,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := facts{policy: &v1alpha1.RoutingPolicy{}}
			p := plan{}
			p.compiled.Config = &routerconfig.Config{Digest: wanted}
			if test.policy != nil {
				test.policy(f.policy)
			}
			if test.plan != nil {
				test.plan(&p)
			}
			if test.rollout.liveDigest == "" {
				test.rollout.liveDigest = wanted
			}
			got := programmed(&f, &p, &test.rollout)
			if got.reason != test.want || got.ok != (test.want == "Programmed") || got.stalled != test.stalled || !strings.Contains(got.message, test.says) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestLaggardsAreCut(t *testing.T) {
	out := rollout{}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		out.pods = append(out.pods, serving(name, stale, ""))
	}
	if got := laggards(&out, wanted); got != "pod a, pod b, pod c and 2 more" {
		t.Errorf("got %q", got)
	}
}

func TestReplicasOfAnAutoscaledGatewayAreTheDeployments(t *testing.T) {
	policy := &v1alpha1.RoutingPolicy{}
	policy.Spec.Gateway.Autoscaling = &v1alpha1.GatewayAutoscaling{MinReplicas: new(int32(3)), MaxReplicas: 9}
	if got := replicas(policy, nil); got != 3 {
		t.Errorf("without a Deployment: %d", got)
	}
	if got := replicas(policy, &appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: new(int32(7))}}); got != 7 {
		t.Errorf("with one: %d", got)
	}
}

func TestKeepReplicasStaysWithinTheBounds(t *testing.T) {
	policy := &v1alpha1.RoutingPolicy{}
	if keepReplicas(policy) != nil {
		t.Error("a fixed number is not the policy's")
	}
	policy.Spec.Gateway.Autoscaling = &v1alpha1.GatewayAutoscaling{MinReplicas: new(int32(2)), MaxReplicas: 5}
	for live, want := range map[int32]int32{1: 2, 4: 4, 9: 5} {
		desired := &appsv1.Deployment{}
		keepReplicas(policy)(&appsv1.Deployment{Spec: appsv1.DeploymentSpec{Replicas: &live}}, desired)
		if *desired.Spec.Replicas != want {
			t.Errorf("%d becomes %d", live, *desired.Spec.Replicas)
		}
	}
	first := &appsv1.Deployment{}
	keepReplicas(policy)(nil, first)
	if *first.Spec.Replicas != 2 {
		t.Errorf("begins with %d", *first.Spec.Replicas)
	}
}

func TestOnlyPodsOfTheDeploymentBelong(t *testing.T) {
	pod := podNamed("support-gateway-abc-1")
	pod.Labels = map[string]string{appsv1.DefaultDeploymentUniqueLabelKey: "abc"}
	pod.OwnerReferences = []metav1.OwnerReference{{Kind: "ReplicaSet", Name: "support-gateway-abc", Controller: new(true)}}
	if !belongs(pod, "support-gateway") {
		t.Error("its own pod does not")
	}
	if belongs(pod, "other-gateway") {
		t.Error("that of another does")
	}
	failed := pod.DeepCopy()
	failed.Status.Phase = corev1.PodFailed
	orphan := pod.DeepCopy()
	orphan.OwnerReferences = nil
	going := pod.DeepCopy()
	going.DeletionTimestamp = new(metav1.Now())
	for name, other := range map[string]*corev1.Pod{"failed": failed, "orphan": orphan, "going": going} {
		if belongs(other, "support-gateway") {
			t.Errorf("a pod that is %s does", name)
		}
	}
}

func TestOnlyAReadyRouterThatIsLateIsHastenedAgain(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	hastened := func(p podFact, ago time.Duration) *podFact {
		p.pod.Annotations = map[string]string{hastenedAtAnnotation: now.Add(-ago).Format(time.RFC3339)}
		return &p
	}
	for _, test := range []struct {
		name string
		pod  *podFact
		want bool
	}{
		{"late", hastened(serving("a", stale, ""), hastenAgain), true},
		{"not late yet", hastened(serving("a", stale, ""), hastenAgain/2), false},
		{"there already", hastened(serving("a", wanted, ""), time.Hour), false},
		{"refusing", hastened(serving("a", stale, "unknown field"), time.Hour), false},
		{"not ready", hastened(waiting("a", "ImagePullBackOff"), time.Hour), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := overdue(test.pod, wanted, now); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestARouterThatTakesLongerIsAskedLessOften(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	hastened := func(p podFact, ago time.Duration) *podFact {
		p.pod.Annotations = map[string]string{hastenedAtAnnotation: now.Add(-ago).Format(time.RFC3339)}
		return &p
	}
	replaced := outdated(serving("a", stale, ""))
	silent := func(digest string) podFact {
		p := serving("a", digest, "")
		p.answer.Served.Stale = true
		return p
	}
	fresh := serving("a", stale, "")
	for _, test := range []struct {
		name string
		pod  *podFact
		want time.Duration
	}{
		{"given the config just now", hastened(serving("a", stale, ""), 0), whileWaiting},
		{"not given it yet", &fresh, whileWaiting},
		{"waiting for it", hastened(serving("a", stale, ""), 20*time.Second), 5 * time.Second},
		{"refusing it", hastened(serving("a", stale, "unknown field"), time.Hour), whileBroken},
		{"serving it", hastened(serving("a", wanted, ""), time.Hour), whileServing},
		{"to be replaced", &replaced, whileServing},
		{"silent while it serves it", hastened(silent(wanted), time.Hour), whileSilent},
		{"silent while it is waited for", hastened(silent(stale), 0), whileWaiting},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := askAgain(test.pod, wanted, now); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

// A ConfigMap that a pod may still need, or a ReplicaSet that can come back, stays.
func TestRolledOverOnceNoOldPodIsLeft(t *testing.T) {
	const name = "support-gateway-0123abcd"
	template := corev1.PodTemplateSpec{Spec: corev1.PodSpec{Volumes: []corev1.Volume{{Name: "config", VolumeSource: corev1.VolumeSource{
		ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}},
	}}}}}
	done := func() *appsv1.Deployment {
		return &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Generation: 2}, Spec: appsv1.DeploymentSpec{Template: template},
			Status: appsv1.DeploymentStatus{ObservedGeneration: 2, Replicas: 2, UpdatedReplicas: 2},
		}
	}
	for _, test := range []struct {
		name   string
		change func(*appsv1.Deployment, *rollout)
		want   bool
	}{
		{"all pods are of the template", func(*appsv1.Deployment, *rollout) {}, true},
		{"an old pod is left", func(d *appsv1.Deployment, _ *rollout) { d.Status.Replicas = 3 }, false},
		{"an old pod is seen", func(_ *appsv1.Deployment, out *rollout) { out.pods = []podFact{{outdated: true}} }, false},
		{"no pod is made yet", func(d *appsv1.Deployment, _ *rollout) { d.Status.Replicas, d.Status.UpdatedReplicas = 0, 0 }, false},
		{"the template was not seen yet", func(d *appsv1.Deployment, _ *rollout) { d.Status.ObservedGeneration = 1 }, false},
		{"the cache has the template before", func(d *appsv1.Deployment, _ *rollout) { d.Spec.Template.Spec.Volumes = nil }, false},
		{"the cache has no Deployment", func(_ *appsv1.Deployment, out *rollout) { out.deployment = nil }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := rollout{deployment: done()}
			test.change(out.deployment, &out)
			if got := rolledOver(&facts{policy: &v1alpha1.RoutingPolicy{}}, &plan{configMap: name}, &out); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
	none := &v1alpha1.RoutingPolicy{}
	none.Spec.Gateway.Replicas = new(int32(0))
	if !rolledOver(&facts{policy: none}, &plan{configMap: name}, &rollout{}) {
		t.Error("a policy without a gateway has pods")
	}
}

func TestGatewayURLIsThatOfTheLoadBalancerOnceItHasOne(t *testing.T) {
	policy := &v1alpha1.RoutingPolicy{ObjectMeta: metav1.ObjectMeta{Name: "support", Namespace: "default"}}
	service := &corev1.Service{Spec: corev1.ServiceSpec{Type: corev1.ServiceTypeLoadBalancer, Ports: []corev1.ServicePort{{Port: 80}}}}
	if got := gatewayURL(policy, service); got != "http://support-gateway.default.svc:8080" {
		t.Errorf("got %s", got)
	}
	service.Status.LoadBalancer.Ingress = []corev1.LoadBalancerIngress{{IP: "2001:db8::1"}}
	if got := gatewayURL(policy, service); got != "http://[2001:db8::1]:80" {
		t.Errorf("got %s", got)
	}
}
