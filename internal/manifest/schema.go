package manifest

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"weak"

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

// kinds are the schemas of the installed CRDs.
type kinds struct{ byName map[string]*schema }

// compiled remembers the schemas for as long as memory is not asked for: they
// hold some 8 MB, and are needed only while manifests are read.
var compiled struct {
	sync.Mutex
	kinds weak.Pointer[kinds]
}

// compiledKinds compiles the schemas and their rules, which takes about 150 ms
// of processor time, unless they are still there from before.
func compiledKinds() (*kinds, error) {
	compiled.Lock()
	defer compiled.Unlock()
	if remembered := compiled.kinds.Value(); remembered != nil {
		return remembered, nil
	}
	all, err := compileKinds()
	if err != nil {
		return nil, err
	}
	compiled.kinds = weak.Make(all)
	return all, nil
}

func compileKinds() (*kinds, error) {
	files, err := crd.FS.ReadDir("bases")
	if err != nil {
		return nil, err
	}
	all := &kinds{byName: map[string]*schema{}}
	for _, file := range files {
		data, err := crd.FS.ReadFile("bases/" + file.Name())
		if err != nil {
			return nil, err
		}
		if err := all.add(data); err != nil {
			return nil, fmt.Errorf("%s: %w", file.Name(), err)
		}
	}
	return all, nil
}

func (k *kinds) add(data []byte) error {
	var versioned apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(data, &versioned); err != nil {
		return err
	}
	var props apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(
		versioned.Spec.Versions[0].Schema.OpenAPIV3Schema, &props, nil); err != nil {
		return err
	}
	structural, err := structuralschema.NewStructural(&props)
	if err != nil {
		return err
	}
	validator, _, err := validation.NewSchemaValidator(&props)
	if err != nil {
		return err
	}
	k.byName[versioned.Spec.Names.Kind] = &schema{
		structural: structural, validator: validator,
		rules: cel.NewValidator(structural, true, celconfig.PerCallLimit),
	}
	return nil
}

// admit checks an object and fills in its defaults.
func (s *schema) admit(o *object) []Fault {
	unknown, errs := s.validate(o.content)
	var faults []Fault
	for _, path := range unknown {
		if !followsFromType(path, errs) {
			faults = append(faults, o.fault(path, "is an unknown field%s", s.fieldsBeside(path)))
		}
	}
	for _, e := range errs {
		if e.Type == field.ErrorTypeTypeInvalid || !followsFromType(e.Field, errs) {
			faults = append(faults, o.fault(asWritten(e.Field), "%s", wording(e)))
		}
	}
	return faults
}

// unquotedOn is what becomes of the key on in YAML 1.1. The schema has it beside
// the field fallback.on.
const unquotedOn = "true"

// asWritten is the field of an error as a manifest has it.
func asWritten(path string) string {
	if item, ok := strings.CutPrefix(path, "spec.fallback."+unquotedOn); ok {
		return "spec.fallback.on" + item
	}
	return strings.TrimPrefix(path, "<nil>")
}

// followsFromType holds for a fault of, or within, a value of the wrong type.
func followsFromType(path string, errs field.ErrorList) bool {
	return slices.ContainsFunc(errs, func(e *field.Error) bool {
		rest, within := strings.CutPrefix(path, e.Field)
		return e.Type == field.ErrorTypeTypeInvalid && within && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}

// validate does with an object what the API server does on its creation, in its
// order: unknown fields (here: refused), nulls, defaults, schema, list types,
// rules. Rules take for granted what the schema asks for, so that some faults of
// the schema keep them from being tried.
func (s *schema) validate(content map[string]any) (unknown []string, errs field.ErrorList) {
	unknown = pruning.PruneWithOptions(content, s.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	defaulting.PruneNonNullableNullsWithoutDefaults(content, s.structural)
	defaulting.Default(content, s.structural)
	errs = validation.ValidateCustomResource(nil, content, s.validator)
	errs = append(errs, listtype.ValidateListSetsAndMaps(nil, s.structural, content)...)
	if slices.ContainsFunc(errs, blocksRules) {
		return unknown, errs
	}
	broken, _ := s.rules.Validate(context.Background(), nil, s.structural, content, nil, celconfig.RuntimeCELCostBudget)
	return unknown, append(errs, broken...)
}

func blocksRules(e *field.Error) bool {
	switch e.Type {
	case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
		return true
	default:
		return false
	}
}

// step is one step of a field path: a name, or an index in brackets.
var step = regexp.MustCompile(`\[[^\]]*\]|[^.\[\]]+`)

// fieldsBeside lists the fields that may stand where an unknown one does.
func (s *schema) fieldsBeside(path string) string {
	at := s.structural
	steps := step.FindAllString(path, -1)
	for _, name := range steps[:max(len(steps)-1, 0)] {
		next := at.Items
		if property, ok := at.Properties[name]; ok {
			next = &property
		}
		if next == nil {
			return ""
		}
		at = next
	}
	if len(at.Properties) == 0 {
		return ""
	}
	fields := slices.Sorted(maps.Keys(at.Properties))
	fields = slices.DeleteFunc(fields, func(name string) bool { return name == unquotedOn })
	return "; there are " + strings.Join(fields, ", ")
}
