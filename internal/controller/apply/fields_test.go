package apply

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestAppliedFieldsLeaveOutWhatNobodySet(t *testing.T) {
	fields, err := appliedFields(&appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Name: "gateway"},
		Spec:       appsv1.DeploymentSpec{Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "router"}}}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := fields["status"]; ok {
		t.Error("the status is applied")
	}
	spec, _ := fields["spec"].(map[string]any)
	for _, name := range []string{"strategy", "selector", "replicas"} {
		if value, ok := spec[name]; ok {
			t.Errorf("spec.%s is applied as %v", name, value)
		}
	}
}

// An empty namespace selector means every namespace; no selector means none.
func TestAppliedFieldsKeepEmptySelectors(t *testing.T) {
	fields, err := appliedFields(&networkingv1.NetworkPolicy{Spec: networkingv1.NetworkPolicySpec{
		Ingress: []networkingv1.NetworkPolicyIngressRule{{From: []networkingv1.NetworkPolicyPeer{{NamespaceSelector: &metav1.LabelSelector{}}}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"spec": map[string]any{"ingress": []any{map[string]any{"from": []any{map[string]any{"namespaceSelector": map[string]any{}}}}}}}
	if !covers(fields, want) {
		t.Errorf("got %v", fields)
	}
}

func TestCovers(t *testing.T) {
	want := map[string]any{
		"spec":     map[string]any{"replicas": int64(2), "ports": []any{map[string]any{"port": int64(80)}}},
		"metadata": map[string]any{"ownerReferences": []any{map[string]any{"uid": "a"}}},
	}
	for _, test := range []struct {
		name string
		have map[string]any
		want bool
	}{
		{"defaults of the API server are no difference", map[string]any{
			"spec":     map[string]any{"replicas": int64(2), "ports": []any{map[string]any{"port": int64(80), "nodePort": int64(30000)}}, "paused": false},
			"metadata": map[string]any{"ownerReferences": []any{map[string]any{"uid": "b"}, map[string]any{"uid": "a"}}},
		}, true},
		{"another value is one", map[string]any{
			"spec":     map[string]any{"replicas": int64(3), "ports": []any{map[string]any{"port": int64(80)}}},
			"metadata": map[string]any{"ownerReferences": []any{map[string]any{"uid": "a"}}},
		}, false},
		{"another item of a list is one", map[string]any{
			"spec":     map[string]any{"replicas": int64(2), "ports": []any{map[string]any{"port": int64(80)}, map[string]any{"port": int64(81)}}},
			"metadata": map[string]any{"ownerReferences": []any{map[string]any{"uid": "a"}}},
		}, false},
		{"a missing owner is one", map[string]any{
			"spec":     map[string]any{"replicas": int64(2), "ports": []any{map[string]any{"port": int64(80)}}},
			"metadata": map[string]any{},
		}, false},
		{"a missing field is one", map[string]any{}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := covers(test.have, want); got != test.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
