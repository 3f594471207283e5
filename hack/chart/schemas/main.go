// Command schemas writes JSON schemas of Kubernetes objects for kubeconform, from the OpenAPI document
// of the API server and from CustomResourceDefinitions:
//
//	schemas -swagger swagger.json -out DIR crd.yaml...
//
// Each lies in DIR/GROUP/KIND_VERSION.json, in lower case, which kubeconform finds with the location
// DIR/{{.Group}}/{{.ResourceKind}}_{{.ResourceAPIVersion}}.json. They are strict: a field that the API
// does not know is an error. It must never fetch anything, so that the schemas are those of the
// versions that go.mod files pin.
package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"sigs.k8s.io/yaml"
)

func main() {
	swagger := flag.String("swagger", "", "the `FILE` api/openapi-spec/swagger.json of Kubernetes")
	out := flag.String("out", "", "the `DIR` to write to")
	flag.Parse()
	if err := run(*swagger, *out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "schemas:", err)
		os.Exit(1)
	}
}

func run(swagger, out string, crds []string) error {
	if swagger == "" || out == "" {
		return errors.New("-swagger and -out are required")
	}
	data, err := os.ReadFile(swagger)
	if err != nil {
		return err
	}
	schemas, err := ofKubernetes(data)
	if err != nil {
		return fmt.Errorf("%s: %w", swagger, err)
	}
	for _, file := range crds {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		more, err := ofCRD(data)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		schemas = append(schemas, more...)
	}
	return write(out, schemas)
}

// kind is one version of a kind with its schema.
type kind struct {
	Group, Version, Kind string
	schema               map[string]any
}

// path is where kubeconform looks for it. It takes the version for the name of the core group, which
// has none.
func (k *kind) path() string {
	return filepath.Join(cmp.Or(k.Group, k.Version), strings.ToLower(k.Kind)+"_"+k.Version+".json")
}

func write(out string, schemas []kind) error {
	for i := range schemas {
		document, err := json.Marshal(schemas[i].schema)
		if err != nil {
			return err
		}
		file := filepath.Join(out, schemas[i].path())
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			return err
		}
		if err := os.WriteFile(file, document, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// ofCRD returns a schema for each version that is served.
func ofCRD(data []byte) ([]kind, error) {
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(data, &crd); err != nil {
		return nil, err
	}
	var kinds []kind
	for i := range crd.Spec.Versions {
		version := &crd.Spec.Versions[i]
		if !version.Served || version.Schema == nil || version.Schema.OpenAPIV3Schema == nil {
			continue
		}
		document, err := json.Marshal(version.Schema.OpenAPIV3Schema)
		if err != nil {
			return nil, err
		}
		var schema map[string]any
		if err := json.Unmarshal(document, &schema); err != nil {
			return nil, err
		}
		strict(schema)
		kinds = append(kinds, kind{crd.Spec.Group, version.Name, crd.Spec.Names.Kind, schema})
	}
	if len(kinds) == 0 {
		return nil, fmt.Errorf("%s %s serves no version with a schema", crd.Kind, crd.Name)
	}
	return kinds, nil
}
