package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const swagger = `{"definitions": {
	"Box": {
		"type": "object",
		"properties": {"lid": {"$ref": "#/definitions/Lid"}, "labels": {"type": "object", "additionalProperties": {"type": "string"}}},
		"x-kubernetes-group-version-kind": [{"group": "things", "kind": "Box", "version": "v1"}]
	},
	"Lid": {"type": "object", "properties": {"of": {"$ref": "#/definitions/Lid"}, "size": {"$ref": "#/definitions/io.k8s.apimachinery.pkg.api.resource.Quantity"}}},
	"Unrelated": {"type": "object"},
	"io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": "string"},
	"Options": {"x-kubernetes-group-version-kind": [{"group": "a", "kind": "O", "version": "v1"}, {"group": "b", "kind": "O", "version": "v1"}]}
}}`

const crd = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: hats.things}
spec:
  group: things
  scope: Namespaced
  names: {kind: Hat, plural: hats}
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, properties: {
        spec: {type: object, properties: {brim: {type: string}}},
        free: {type: object, x-kubernetes-preserve-unknown-fields: true, properties: {known: {type: string}}}}}}}
    - {name: v0, served: false, storage: false, schema: {openAPIV3Schema: {type: object}}}
`

func TestSchemasOfKindsAreStrictAndWhole(t *testing.T) {
	kinds, err := ofKubernetes([]byte(swagger))
	if err != nil || len(kinds) != 1 {
		t.Fatalf("got %d kinds, %v; want Box alone", len(kinds), err)
	}
	want := `{"$ref":"#/definitions/Box","definitions":{` +
		`"Box":{"additionalProperties":false,"properties":{"labels":{"additionalProperties":{"type":"string"},"type":"object"},"lid":{"$ref":"#/definitions/Lid"}},` +
		`"type":"object","x-kubernetes-group-version-kind":[{"group":"things","kind":"Box","version":"v1"}]},` +
		`"Lid":{"additionalProperties":false,"properties":{"of":{"$ref":"#/definitions/Lid"},` +
		`"size":{"$ref":"#/definitions/io.k8s.apimachinery.pkg.api.resource.Quantity"}},"type":"object"},` +
		`"io.k8s.apimachinery.pkg.api.resource.Quantity":{"type":["string","number"]}}}`
	if got, err := json.Marshal(kinds[0].schema); err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

func TestSchemasOfCRDsAreThoseOfServedVersions(t *testing.T) {
	kinds, err := ofCRD([]byte(crd))
	if err != nil || len(kinds) != 1 {
		t.Fatalf("got %d kinds, %v; want Hat v1 alone", len(kinds), err)
	}
	want := `{"additionalProperties":false,"properties":{` +
		`"free":{"properties":{"known":{"type":"string"}},"type":"object","x-kubernetes-preserve-unknown-fields":true},` +
		`"spec":{"additionalProperties":false,"properties":{"brim":{"type":"string"}},"type":"object"}},"type":"object"}`
	if got, err := json.Marshal(kinds[0].schema); err != nil || string(got) != want {
		t.Errorf("got  %s, %v\nwant %s", got, err, want)
	}
}

func TestFaultyDocumentsAreErrors(t *testing.T) {
	for name, parse := range map[string]func() error{
		"OpenAPI that is no JSON": func() error { _, err := ofKubernetes([]byte("{")); return err },
		"OpenAPI without kinds":   func() error { _, err := ofKubernetes([]byte(`{"definitions": {}}`)); return err },
		"a reference to nothing": func() error {
			_, err := ofKubernetes([]byte(strings.Replace(swagger, `"Lid": {`, `"Cap": {`, 1)))
			return err
		},
		"a CRD with an unknown field": func() error { _, err := ofCRD([]byte(crd + "more: 1\n")); return err },
		"a CRD that serves nothing":   func() error { _, err := ofCRD([]byte("kind: CustomResourceDefinition\n")); return err },
	} {
		t.Run(name, func(t *testing.T) {
			if parse() == nil {
				t.Error("it is accepted")
			}
		})
	}
}

func TestRunWritesWhereKubeconformLooks(t *testing.T) {
	directory := t.TempDir()
	openAPI, definition := filepath.Join(directory, "swagger.json"), filepath.Join(directory, "crd.yaml")
	for file, content := range map[string]string{openAPI: swagger, definition: crd} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(directory, "out")
	if err := run(openAPI, out, []string{definition}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"box_v1.json", "hat_v1.json"} {
		if _, err := os.Stat(filepath.Join(out, "things", name)); err != nil {
			t.Error(err)
		}
	}
	if run("", out, nil) == nil || run(openAPI, out, []string{filepath.Join(directory, "none")}) == nil {
		t.Error("missing arguments and files are accepted")
	}
}
