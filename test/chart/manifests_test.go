// Package chart checks the installation as it is rendered: testdata/golden holds
// what Helm and kustomize make of the chart and of config/default, and
// hack/chart/verify.sh keeps it current. A real kube-apiserver has to accept every
// object, the operator has to get by with the rights it is given, and Argo CD's
// health checks have to say what is the case.
//
// It must never run Helm itself: `go test` needs nothing but Go and the control
// plane.
package chart

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

const (
	golden   = "testdata/golden"
	roleFile = "../../config/rbac/role.yaml"
	// monitoringGroup is of the Prometheus Operator, whose kinds no kube-apiserver
	// knows by itself: hack/chart/verify.sh checks them against its CRDs.
	monitoringGroup = "monitoring.coreos.com"
)

// manifests are the documents of a file. A key that is there twice is an error.
func manifests(t *testing.T, file string) []*unstructured.Unstructured {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []*unstructured.Unstructured
	for reader := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data))); ; {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		object := map[string]any{}
		if err := yaml.UnmarshalStrict(document, &object); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if len(object) > 0 {
			list = append(list, &unstructured.Unstructured{Object: object})
		}
	}
}

// goldenFiles are the rendered installations by name.
func goldenFiles(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(golden, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no file in %s, %v: run hack/chart/generate.sh", golden, err)
	}
	byName := map[string]string{}
	for _, file := range files {
		byName[strings.TrimSuffix(filepath.Base(file), ".yaml")] = file
	}
	return byName
}

// one returns the only object of the kind, as its Go type.
func one[T any](t *testing.T, list []*unstructured.Unstructured, kind string) *T {
	t.Helper()
	all := each[T](t, list, kind)
	if len(all) != 1 {
		t.Fatalf("there are %d objects of the kind %s", len(all), kind)
	}
	return all[0]
}

// each returns the objects of the kind, as their Go type.
func each[T any](t *testing.T, list []*unstructured.Unstructured, kind string) []*T {
	t.Helper()
	var all []*T
	for _, object := range list {
		if object.GetKind() != kind {
			continue
		}
		var typed T
		if err := runtime.DefaultUnstructuredConverter.FromUnstructuredWithValidation(object.Object, &typed, true); err != nil {
			t.Fatalf("%s %s: %v", kind, object.GetName(), err)
		}
		all = append(all, &typed)
	}
	return all
}
