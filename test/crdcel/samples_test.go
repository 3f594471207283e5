package crdcel

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/tiershift/tiershift/api/v1alpha1"
)

var samples = []string{"quickstart/quickstart.yaml", "advanced/advanced.yaml"}

func loadSample(t *testing.T, sample string) []*unstructured.Unstructured {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "config", "samples", sample))
	if err != nil {
		t.Fatal(err)
	}
	var objects []*unstructured.Unstructured
	for _, document := range bytes.Split(data, []byte("\n---\n")) {
		var u unstructured.Unstructured
		if err := yaml.UnmarshalStrict(document, &u.Object); err != nil {
			t.Fatal(err)
		}
		objects = append(objects, &u)
	}
	return objects
}

func TestSamplesApplyUnchanged(t *testing.T) {
	env := start(t)
	for _, sample := range samples {
		t.Run(sample, func(t *testing.T) {
			namespace := env.Namespace(t)
			for _, u := range loadSample(t, sample) {
				u.SetNamespace(namespace)
				want := u.DeepCopy()
				apply(t, env.Client, u)
				if want.GetKind() == "Secret" {
					continue
				}
				if at := drift(want.Object["spec"], u.Object["spec"], "spec"); at != "" {
					t.Errorf("%s %s: a GitOps tool would see drift at %s", u.GetKind(), u.GetName(), at)
				}
				version := observe(t, env.Client, u)
				apply(t, env.Client, want)
				if want.GetResourceVersion() != version {
					t.Errorf("%s %s: applying it again changed it", u.GetKind(), u.GetName())
				}
			}
		})
	}
}

// observe writes a status, as the operator does within a moment, and returns the
// version that the object then has. Until someone writes one, the status is a default
// that is only stored with the next write.
func observe(t *testing.T, c client.Client, u *unstructured.Unstructured) (version string) {
	t.Helper()
	patch := client.RawPatch(types.MergePatchType, []byte(`{"status":{"observedGeneration":1}}`))
	if err := c.Status().Patch(t.Context(), u, patch, client.FieldOwner("operator")); err != nil {
		t.Fatalf("%s %s: %v", u.GetKind(), u.GetName(), err)
	}
	return u.GetResourceVersion()
}

// apply does what kubectl apply --server-side does; u becomes what is stored.
func apply(t *testing.T, c client.Client, u *unstructured.Unstructured) {
	t.Helper()
	err := c.Apply(t.Context(), client.ApplyConfigurationFromUnstructured(u), client.FieldOwner("test"))
	if err != nil {
		t.Fatalf("%s %s: %v", u.GetKind(), u.GetName(), err)
	}
}

// drift is the first field where live is not what a manifest says, as a GitOps tool
// compares: fields of an object may come in addition, but lists are equal or not.
func drift(manifest, live any, at string) string {
	fields, ok := manifest.(map[string]any)
	if !ok {
		if fmt.Sprint(manifest) != fmt.Sprint(live) {
			return at
		}
		return ""
	}
	liveFields, ok := live.(map[string]any)
	if !ok {
		return at
	}
	for name := range fields {
		if d := drift(fields[name], liveFields[name], at+"."+name); d != "" {
			return d
		}
	}
	return ""
}

// What the Go types cannot hold, an operator cannot see.
func TestGoTypesHoldEveryField(t *testing.T) {
	types := map[string]func() any{
		v1alpha1.KindModelTier:          func() any { return new(v1alpha1.ModelTier) },
		v1alpha1.KindProviderCredential: func() any { return new(v1alpha1.ProviderCredential) },
		v1alpha1.KindRoutingPolicy:      func() any { return new(v1alpha1.RoutingPolicy) },
	}
	for folder, kind := range kinds {
		for _, full := range loadFull(t, folder) {
			t.Run(folder+"/"+full.GetName(), func(t *testing.T) {
				first, second := types[kind](), types[kind]()
				document, err := yaml.Marshal(full.Object)
				if err != nil {
					t.Fatal(err)
				}
				if err := yaml.UnmarshalStrict(document, first); err != nil {
					t.Fatal(err)
				}
				fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(first)
				if err != nil {
					t.Fatal(err)
				}
				if document, err = yaml.Marshal(fields); err != nil {
					t.Fatal(err)
				}
				if err := yaml.UnmarshalStrict(document, second); err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(first, second) {
					t.Errorf("writing and reading it again gives\n%+v\nwant\n%+v", second, first)
				}
			})
		}
	}
}
