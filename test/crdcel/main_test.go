// Package crdcel proves the schemas of Tiershift's kinds against a real
// kube-apiserver: for every rule there is a manifest that breaks it, with the
// exact message that a user gets. It must never test what an operator does with
// an object that was accepted.
//
// testdata has a folder for each kind:
//
//	base.yaml      the smallest manifest that is accepted
//	full.yaml      manifests that together set every field
//	defaults.yaml  what the API server makes of what is left out
//	good.yaml      values at the edge of what is accepted
//	the others     manifests that are refused
//
// All but base.yaml and full.yaml hold lists of cases, and each case is a JSON
// merge patch (RFC 7386) on base.yaml, so that it shows only what it is about.
package crdcel

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/tiershift/tiershift/api/v1alpha1"
	"github.com/tiershift/tiershift/internal/testenv"
)

// strict makes the API server refuse fields that no schema knows, instead of
// dropping them: a typo in a manifest must not turn its test into another.
const strict = client.FieldValidation("Strict")

// kinds maps the folders of testdata to the kinds they are about.
var kinds = map[string]string{
	"modeltier":          v1alpha1.KindModelTier,
	"providercredential": v1alpha1.KindProviderCredential,
	"routingpolicy":      v1alpha1.KindRoutingPolicy,
}

func start(t *testing.T) *testenv.Env {
	t.Helper()
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{clientgoscheme.AddToScheme, v1alpha1.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	return testenv.Start(t, testenv.WithScheme(scheme))
}

// testCase is a merge patch on a kind's base.yaml and what comes of it.
type testCase struct {
	Name string `json:"name"`
	// Bad is refused with Want, Good is accepted.
	Bad  json.RawMessage `json:"bad,omitempty"`
	Good json.RawMessage `json:"good,omitempty"`
	// Update, if given, is applied once Good was accepted, and is refused with
	// Want.
	Update json.RawMessage `json:"update,omitempty"`
	// Want is a line "FIELD: MESSAGE" for each cause of the refusal.
	Want string `json:"want,omitempty"`
	// WantSpec is the spec that the API server makes of Good.
	WantSpec map[string]any `json:"wantSpec,omitempty"`
}

// files are the files of a kind's folder that hold cases.
func files(t *testing.T, folder string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, path := range paths {
		if name := strings.TrimSuffix(filepath.Base(path), ".yaml"); name != "base" && name != "full" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		t.Fatalf("testdata/%s has no cases", folder)
	}
	return names
}

func loadCases(t *testing.T, folder, file string) []testCase {
	t.Helper()
	var cases []testCase
	if err := yaml.UnmarshalStrict(read(t, folder, file), &cases); err != nil {
		t.Fatalf("testdata/%s/%s.yaml: %v", folder, file, err)
	}
	seen := map[string]bool{}
	for _, c := range cases {
		if c.Name == "" || seen[c.Name] {
			t.Errorf("testdata/%s/%s.yaml: the name %q is empty or repeated", folder, file, c.Name)
		}
		seen[c.Name] = true
	}
	return cases
}

func read(t *testing.T, folder, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", folder, file+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func loadObject(t *testing.T, folder, file string) *unstructured.Unstructured {
	t.Helper()
	var u unstructured.Unstructured
	if err := yaml.UnmarshalStrict(read(t, folder, file), &u.Object); err != nil {
		t.Fatalf("testdata/%s/%s.yaml: %v", folder, file, err)
	}
	return &u
}

// loadFull are the documents of a folder's full.yaml: fields exclude each other, so
// that it takes more than one to set them all.
func loadFull(t *testing.T, folder string) []*unstructured.Unstructured {
	t.Helper()
	var documents []*unstructured.Unstructured
	for _, data := range bytes.Split(read(t, folder, "full"), []byte("\n---\n")) {
		var u unstructured.Unstructured
		if err := yaml.UnmarshalStrict(data, &u.Object); err != nil {
			t.Fatalf("testdata/%s/full.yaml: %v", folder, err)
		}
		documents = append(documents, &u)
	}
	return documents
}

// base is the base.yaml of a folder, named name, with a merge patch applied to it.
func base(t *testing.T, folder, name string, patch json.RawMessage) *unstructured.Unstructured {
	t.Helper()
	u := loadObject(t, folder, "base")
	u.SetName(name)
	merge(t, u, patch)
	return u
}

func merge(t *testing.T, u *unstructured.Unstructured, patch json.RawMessage) {
	t.Helper()
	document, err := json.Marshal(u.Object)
	if err != nil {
		t.Fatal(err)
	}
	merged, err := jsonpatch.MergePatch(document, patch)
	if err != nil {
		t.Fatal(err)
	}
	u.Object = nil
	if err := yaml.Unmarshal(merged, &u.Object); err != nil {
		t.Fatal(err)
	}
}
