package chart

import (
	"encoding/json"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/tiershift/tiershift/internal/testenv"
)

// namespaces are those that the values files name.
var namespaces = []string{"tiershift-system", "team-a", "platform", "support"}

// newNamespaces creates them, each as strict about pods as a namespace can be.
func newNamespaces(t *testing.T, env *testenv.Env) {
	t.Helper()
	for _, name := range namespaces {
		err := env.Client.Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
			Name: name, Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
		}})
		if err != nil && !apierrors.IsAlreadyExists(err) {
			t.Fatal(err)
		}
	}
}

func TestTheAPIServerAcceptsEveryObject(t *testing.T) {
	env := testenv.Start(t)
	newNamespaces(t, env)
	for name, file := range goldenFiles(t) {
		t.Run(name, func(t *testing.T) {
			objects := manifests(t, file)
			if len(objects) < 4 {
				t.Errorf("it has %d objects: that is no installation", len(objects))
			}
			for _, object := range objects {
				switch {
				case object.GroupVersionKind().Group == monitoringGroup:
					continue
				case object.GetKind() == "Namespace":
					object.SetName("another") // its own is there already
				}
				if err := env.Client.Create(t.Context(), object, client.DryRunAll, client.FieldValidation("Strict")); err != nil {
					t.Errorf("%s %s: %v", object.GetKind(), object.GetName(), err)
				}
			}
		})
	}
}

// A Deployment is accepted whatever its pods are: admission looks at pods.
func TestPodsAreAdmittedToARestrictedNamespace(t *testing.T) {
	env := testenv.Start(t)
	newNamespaces(t, env)
	for name, file := range goldenFiles(t) {
		t.Run(name, func(t *testing.T) {
			pod := podOf(one[appsv1.Deployment](t, manifests(t, file), "Deployment"))
			if err := env.Client.Create(t.Context(), pod, client.DryRunAll); err != nil {
				t.Error(err)
			}
			pod = podOf(one[appsv1.Deployment](t, manifests(t, file), "Deployment"))
			pod.Spec.Containers[0].SecurityContext.AllowPrivilegeEscalation = new(true)
			if err := env.Client.Create(t.Context(), pod, client.DryRunAll); !apierrors.IsForbidden(err) {
				t.Errorf("a pod that may escalate is not refused: %v", err)
			}
		})
	}
}

func podOf(d *appsv1.Deployment) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: d.Spec.Template.ObjectMeta, Spec: d.Spec.Template.Spec}
	pod.Namespace, pod.Name = d.Namespace, d.Name
	// The number comes from an object of the cluster that is not there.
	pod.Spec.PriorityClassName = ""
	return pod
}

func TestContainersAreLockedDown(t *testing.T) {
	for name, file := range goldenFiles(t) {
		t.Run(name, func(t *testing.T) {
			pod := one[appsv1.Deployment](t, manifests(t, file), "Deployment").Spec.Template.Spec
			for i := range pod.Containers {
				c := &pod.Containers[i]
				if s := c.SecurityContext; s == nil || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem {
					t.Errorf("the root file system of %s can be written", c.Name)
				}
				if c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero() {
					t.Errorf("%s has no memory limit or no CPU request", c.Name)
				}
				if c.LivenessProbe == nil || c.ReadinessProbe == nil {
					t.Errorf("%s lacks a probe", c.Name)
				}
			}
		})
	}
}

// Two installations share no object of the cluster, so that removing one breaks
// nothing of the other.
func TestReleasesShareNoName(t *testing.T) {
	seen := map[string]bool{}
	files := goldenFiles(t)
	for _, object := range manifests(t, files["defaults"]) {
		seen[key(object)] = true
	}
	for _, object := range manifests(t, files["another-release"]) {
		if seen[key(object)] {
			t.Errorf("both have %s", key(object))
		}
	}
}

func key(o *unstructured.Unstructured) string {
	return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
}

// Whoever may only create objects in two namespaces can install it.
func TestNothingNeedBeClusterWide(t *testing.T) {
	for _, object := range manifests(t, goldenFiles(t)["nothing-cluster-wide"]) {
		if object.GetNamespace() == "" {
			t.Errorf("%s is not in a namespace", key(object))
		}
	}
}

// The kustomization is generated from the chart but for roles and labels, which
// its own files have.
func TestKustomizeRunsWhatTheChartRuns(t *testing.T) {
	files := goldenFiles(t)
	chart, kustomize := manifests(t, files["defaults"]), manifests(t, files["kustomize"])
	if a, b := canonical(t, one[appsv1.Deployment](t, chart, "Deployment").Spec.Template.Spec),
		canonical(t, one[appsv1.Deployment](t, kustomize, "Deployment").Spec.Template.Spec); a != b {
		t.Errorf("pods differ:\n%s\n%s", a, b)
	}
	if a, b := canonical(t, one[corev1.Service](t, chart, "Service").Spec), canonical(t, one[corev1.Service](t, kustomize, "Service").Spec); a != b {
		t.Errorf("Services differ:\n%s\n%s", a, b)
	}
	if a, b := canonical(t, granted(t, chart, "tiershift-operator")), canonical(t, granted(t, kustomize, "tiershift-operator")); a != b {
		t.Errorf("rights differ:\n%s\n%s", a, b)
	}
}

func canonical(t *testing.T, value any) string {
	t.Helper()
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
