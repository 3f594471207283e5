package conditions

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/events"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

// Emit tells what changed as Events: Warning for what someone may have to do
// something about. That a change is under way is told when it is over.
func Emit(recorder events.EventRecorder, object runtime.Object, changed []metav1.Condition) {
	for i := range changed {
		c := &changed[i]
		if c.Reason == v1alpha1.ReasonProgressing {
			continue
		}
		kind := corev1.EventTypeNormal
		if c.Status == metav1.ConditionFalse {
			kind = corev1.EventTypeWarning
		}
		recorder.Eventf(object, nil, kind, c.Reason, c.Type, "%s", c.Message)
	}
}
