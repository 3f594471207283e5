package manifest

import (
	"context"
	"fmt"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"

	"github.com/tiershift/tiershift/config/crd"
)

// schema is one kind as the API server checks it.
type schema struct {
	structural *structuralschema.Structural
	validator  validation.SchemaValidator
	rules      *cel.Validator
}

// schemas are the schemas of the installed CRDs by kind. Compiling their rules
// takes some milliseconds, so it is done when the first manifest is read.
var schemas = sync.OnceValues(compileAll)

func compileAll() (map[string]*schema, error) {
	files, err := crd.FS.ReadDir("bases")
	if err != nil {
		return nil, err
	}
	byKind := map[string]*schema{}
	for _, file := range files {
		data, err := crd.FS.ReadFile("bases/" + file.Name())
		if err != nil {
			return nil, err
		}
		kind, s, err := newSchema(data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file.Name(), err)
		}
		byKind[kind] = s
	}
	return byKind, nil
}

func newSchema(data []byte) (kind string, s *schema, err error) {
	var versioned apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(data, &versioned); err != nil {
		return "", nil, err
	}
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(
		versioned.Spec.Versions[0].Schema.OpenAPIV3Schema, &props, nil); err != nil {
		return "", nil, err
	}
	structural, err := structuralschema.NewStructural(&props)
	if err != nil {
		return "", nil, err
	}
	validator, _, err := validation.NewSchemaValidator(&props)
	if err != nil {
		return "", nil, err
	}
	rules := cel.NewValidator(structural, true, celconfig.PerCallLimit)
	return versioned.Spec.Names.Kind, &schema{structural: structural, validator: validator, rules: rules}, nil
}

// admit checks an object and fills in its defaults, in the order of the API
// server: prune (here: refuse), default, validate, list types, rules.
func (s *schema) admit(object map[string]any) field.ErrorList {
	unknown := pruning.PruneWithOptions(object, s.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	var errs field.ErrorList
	for _, path := range unknown {
		errs = append(errs, field.Invalid(pathOf(path), "", "unknown field: it is misspelt, or of another version"))
	}
	defaulting.Default(object, s.structural)
	invalid := validation.ValidateCustomResource(nil, object, s.validator)
	errs = append(errs, invalid...)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, s.structural, object)...)
	if len(invalid) > 0 {
		return errs // rules may take the shape that the schema asks for as given
	}
	broken, _ := s.rules.Validate(context.Background(), nil, s.structural, object, nil, celconfig.RuntimeCELCostBudget)
	return append(errs, broken...)
}

// pathOf wraps a rendered path, so that it can stand in a field.Error.
func pathOf(path string) *field.Path { return field.NewPath(path) }
