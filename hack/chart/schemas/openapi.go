package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	definitionsPrefix = "#/definitions/"
	preservesUnknown  = "x-kubernetes-preserve-unknown-fields"
)

// scalars are definitions whose JSON form is more than their OpenAPI v2 type, a string, can say.
// Source: their UnmarshalJSON in k8s.io/apimachinery.
var scalars = []string{
	"io.k8s.apimachinery.pkg.api.resource.Quantity",
	"io.k8s.apimachinery.pkg.util.intstr.IntOrString",
}

// ofKubernetes returns a schema for each kind of the OpenAPI v2 document, with just the definitions that
// it refers to.
func ofKubernetes(data []byte) ([]kind, error) {
	var document struct {
		Definitions map[string]map[string]any `json:"definitions"`
	}
	if err := json.Unmarshal(data, &document); err != nil {
		return nil, err
	}
	for name, definition := range document.Definitions {
		strict(definition)
		if slices.Contains(scalars, name) {
			definition["type"] = []any{"string", "number"}
		}
	}
	var kinds []kind
	for _, name := range slices.Sorted(maps.Keys(document.Definitions)) {
		for _, k := range kindsOf(document.Definitions[name]) {
			reached := map[string]any{}
			if err := reach(document.Definitions, name, reached); err != nil {
				return nil, err
			}
			k.schema = map[string]any{"$ref": definitionsPrefix + name, "definitions": reached}
			kinds = append(kinds, k)
		}
	}
	if len(kinds) == 0 {
		return nil, errors.New("it defines no kind")
	}
	return kinds, nil
}

// kindsOf are those that the definition is for: most are parts of others and have none. One with more
// than one, such as DeleteOptions, is an argument of every group and no object.
func kindsOf(definition map[string]any) []kind {
	list, _ := definition["x-kubernetes-group-version-kind"].([]any)
	if len(list) != 1 {
		return nil
	}
	gvk, _ := list[0].(map[string]any)
	text := func(key string) string {
		value, _ := gvk[key].(string)
		return value
	}
	return []kind{{Group: text("group"), Version: text("version"), Kind: text("kind")}}
}

// reach adds the definition of that name, and all that it refers to, to reached.
func reach(all map[string]map[string]any, name string, reached map[string]any) error {
	if reached[name] != nil {
		return nil
	}
	definition, ok := all[name]
	if !ok {
		return fmt.Errorf("nothing defines %s", name)
	}
	reached[name] = definition
	var errs []error
	walk(definition, func(schema map[string]any) {
		if ref, ok := schema["$ref"].(string); ok {
			errs = append(errs, reach(all, strings.TrimPrefix(ref, definitionsPrefix), reached))
		}
	})
	return errors.Join(errs...)
}

// strict forbids fields that an object's schema does not name, unless it allows them itself.
func strict(schema map[string]any) {
	walk(schema, func(s map[string]any) {
		properties, _ := s["properties"].(map[string]any)
		_, open := s["additionalProperties"]
		if len(properties) > 0 && !open && s[preservesUnknown] != true {
			s["additionalProperties"] = false
		}
	})
}

// walk visits the schema and those of its fields and items. Other members of it, such as enum, default
// and the branches of anyOf, which only restrict what is described elsewhere, are values.
func walk(schema map[string]any, visit func(map[string]any)) {
	visit(schema)
	for _, key := range []string{"items", "additionalProperties"} {
		if inner, ok := schema[key].(map[string]any); ok {
			walk(inner, visit)
		}
	}
	if properties, ok := schema["properties"].(map[string]any); ok {
		for _, property := range properties {
			if inner, ok := property.(map[string]any); ok {
				walk(inner, visit)
			}
		}
	}
}
