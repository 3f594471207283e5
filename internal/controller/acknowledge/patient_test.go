package acknowledge_test

import (
	"context"
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/tiershift/tiershift/internal/controller/acknowledge"
)

// router answers as it is told to.
type router struct {
	served acknowledge.Served
	err    error
}

func (r *router) Served(context.Context, *corev1.Pod) (acknowledge.Served, error) {
	return r.served, r.err
}

func gatewayPod(uid types.UID, restarts int32) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{UID: uid},
		Status:     corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{{RestartCount: restarts}}},
	}
}

func TestARouterThatIsSilentForAMomentServesOn(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	silent := errors.New("the admin port did not answer")
	said := acknowledge.Served{Digest: "d", Generation: 3}
	r := &router{served: said}
	patient := acknowledge.NewPatient(r, func() time.Time { return now })
	ask := func(pod *corev1.Pod) (acknowledge.Served, error) { return patient.Served(t.Context(), pod) }

	if got, err := ask(gatewayPod("a", 0)); err != nil || got != said {
		t.Fatalf("got %+v, %v", got, err)
	}
	stale := said
	stale.Stale = true
	r.err = silent
	for _, step := range []struct {
		after time.Duration
		pod   *corev1.Pod
		want  acknowledge.Served
		err   error
	}{
		{time.Minute, gatewayPod("a", 0), stale, nil}, // however long it was not asked
		{14 * time.Second, gatewayPod("a", 0), stale, nil},
		{0, gatewayPod("a", 1), acknowledge.Served{}, silent}, // another process
		{0, gatewayPod("b", 0), acknowledge.Served{}, silent}, // never answered
		{time.Second, gatewayPod("a", 0), acknowledge.Served{}, silent},
		{time.Minute, gatewayPod("a", 0), acknowledge.Served{}, silent},
	} {
		now = now.Add(step.after)
		if got, err := ask(step.pod); got != step.want || !errors.Is(err, step.err) {
			t.Errorf("after %s, pod %s: got %+v, %v", step.after, step.pod.UID, got, err)
		}
	}
	r.err = nil
	if got, err := ask(gatewayPod("a", 0)); err != nil || got != said {
		t.Errorf("once it answers again: %+v, %v", got, err)
	}
	r.err = silent
	if got, err := ask(gatewayPod("a", 0)); err != nil || got != stale {
		t.Errorf("silent once more: %+v, %v", got, err)
	}
}

func TestAPodThatIsGoneIsForgotten(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	r := &router{served: acknowledge.Served{Digest: "d"}}
	patient := acknowledge.NewPatient(r, func() time.Time { return now })
	if _, err := patient.Served(t.Context(), gatewayPod("a", 0)); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour)
	r.err = errors.New("gone")
	if got, err := patient.Served(t.Context(), gatewayPod("a", 0)); err == nil {
		t.Errorf("an hour later it is still said to serve %+v", got)
	}
}
