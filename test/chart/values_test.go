package chart

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const chartFolder = "../../charts/tiershift/"

// paths are the leaves of nested values, such as "image.tag". A list, a text and
// an empty object is a leaf.
func paths(values map[string]any, prefix string) []string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		inner, ok := values[name].(map[string]any)
		if !ok || len(inner) == 0 {
			all = append(all, prefix+name)
			continue
		}
		all = append(all, paths(inner, prefix+name+".")...)
	}
	return all
}

// groups are values that hold a part of a Kubernetes object: they are one value.
var groups = []string{"resources", "podSecurityContext", "securityContext"}

func values(t *testing.T) map[string]any {
	t.Helper()
	data, err := os.ReadFile(chartFolder + "values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := yaml.UnmarshalStrict(data, &all); err != nil {
		t.Fatal(err)
	}
	for _, name := range groups {
		all[name] = ""
	}
	return all
}

func TestThePageOfTheChartExplainsEveryValue(t *testing.T) {
	data, err := os.ReadFile(chartFolder + "README.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	known := paths(values(t), "")
	for _, path := range known {
		if !strings.Contains(page, "| `"+path+"` |") {
			t.Errorf("README.md has no row for %s", path)
		}
	}
	for line := range strings.Lines(page) {
		name, ok := strings.CutPrefix(line, "| `")
		if !ok {
			continue
		}
		if name, _, _ = strings.Cut(name, "`"); !slices.Contains(known, name) {
			t.Errorf("README.md explains %s, which is no value", name)
		}
	}
}

// The schema is closed, so helm lint finds a value that it lacks; a field that is
// just in the schema has no default and no comment.
func TestTheSchemaAllowsNothingThatHasNoDefault(t *testing.T) {
	data, err := os.ReadFile(chartFolder + "values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(data, &root); err != nil {
		t.Fatal(err)
	}
	definitions, _ := root["$defs"].(map[string]any)
	var compare func(path string, schema, defaults map[string]any)
	compare = func(path string, schema, defaults map[string]any) {
		if ref, ok := schema["$ref"].(string); ok {
			schema, _ = definitions[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
		}
		properties, _ := schema["properties"].(map[string]any)
		if len(properties) > 0 && schema["additionalProperties"] != false && path != "global." {
			t.Errorf("%q is open", path)
		}
		for name, property := range properties {
			if path == "" && slices.Contains(groups, name) {
				continue
			}
			value, ok := defaults[name]
			if !ok {
				t.Errorf("values.yaml lacks %s%s", path, name)
			}
			inner, _ := value.(map[string]any)
			next, _ := property.(map[string]any)
			compare(path+name+".", next, inner)
		}
	}
	compare("", root, values(t))
}
