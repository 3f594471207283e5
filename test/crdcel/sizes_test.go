package crdcel

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// size is a bound on the size of the value at path, and a value that breaks it.
type size struct {
	path  string
	value any
	want  string
}

// TestSizesAreEnforced puts, for each bound on the size of a string, list or map, a
// value of one too many (or too few) into full.yaml.
func TestSizesAreEnforced(t *testing.T) {
	env := start(t)
	namespace := env.Namespace(t)
	roots := schemas(t)
	for folder, kind := range kinds {
		walkSpec(roots[kind], func(path string, s *apiextensionsv1.JSONSchemaProps) {
			for _, bound := range sizes(path, s) {
				t.Run(fmt.Sprintf("%s/%s=%s", kind, bound.path, bound.want), func(t *testing.T) {
					u, field := fullWith(t, folder, path, bound.value)
					if u == nil {
						t.Fatalf("testdata/%s/full.yaml does not set %s", folder, path)
					}
					u.SetNamespace(namespace)
					err := env.Client.Create(t.Context(), u, strict)
					if err == nil {
						t.Fatal("was accepted")
					}
					for _, line := range causes(t, err) {
						if strings.HasPrefix(line, field+": ") && strings.Contains(line, bound.want) {
							return
						}
					}
					t.Errorf("was refused with %q, want %q at %s", causes(t, err), bound.want, field)
				})
			}
		})
	}
}

func sizes(path string, s *apiextensionsv1.JSONSchemaProps) []size {
	var list []size
	add := func(value any, want string, bound int64) {
		list = append(list, size{path, value, fmt.Sprintf(want, bound)})
	}
	if s.MinLength != nil {
		add(strings.Repeat("a", int(*s.MinLength)-1), "should be at least %d chars long", *s.MinLength)
	}
	if s.MaxLength != nil {
		add(strings.Repeat("a", int(*s.MaxLength)+1), "may not be more than %d bytes", *s.MaxLength)
	}
	if s.MaxItems != nil {
		add(repeat(int(*s.MaxItems)+1), "must have at most %d items", *s.MaxItems)
	}
	if s.MaxProperties != nil {
		properties := map[string]any{}
		for i := range *s.MaxProperties + 1 {
			properties["k"+strconv.FormatInt(i, 10)] = "v"
		}
		add(properties, "must have at most %d items", *s.MaxProperties)
	}
	return list
}

// repeat is a list of n items that no schema needs to know: its length is looked
// at first.
func repeat(n int) []any {
	list := make([]any, n)
	for i := range list {
		list[i] = map[string]any{}
	}
	return list
}

// fullWith is the document of a folder's full.yaml that sets path, with value there
// instead, and the field that holds it. It is nil if none does.
func fullWith(t *testing.T, folder, path string, value any) (*unstructured.Unstructured, string) {
	t.Helper()
	for _, u := range loadFull(t, folder) {
		if field, ok := replace(u.Object, strings.Split(path, "."), "", value); ok {
			return u, field
		}
	}
	return nil, ""
}

// replace sets the value at a schema path, in the first item of each list and under
// each key of a map, and returns the field it set.
func replace(object any, path []string, at string, value any) (string, bool) {
	fields, ok := object.(map[string]any)
	if !ok || len(path) == 0 {
		return "", false
	}
	name, suffix := path[0], ""
	if i := strings.IndexAny(name, "[{"); i >= 0 {
		name, suffix = name[:i], name[i:]
	}
	field := strings.TrimPrefix(at+"."+name, ".")
	child, ok := fields[name]
	if !ok {
		return "", false
	}
	if suffix == "" {
		if len(path) > 1 {
			return replace(child, path[1:], field, value)
		}
		fields[name] = value
		return field, true
	}
	return replaceElement(child, path[1:], field, value)
}

func replaceElement(collection any, rest []string, field string, value any) (string, bool) {
	switch c := collection.(type) {
	case []any:
		if len(rest) > 0 {
			return replace(c[0], rest, field+"[0]", value)
		}
		c[0] = value
		return field + "[0]", true
	case map[string]any:
		for key := range c {
			c[key] = value
			return field + "." + key, true
		}
	}
	return "", false
}

func TestFullManifestsSetEveryField(t *testing.T) {
	roots := schemas(t)
	for folder, kind := range kinds {
		walkSpec(roots[kind], func(path string, _ *apiextensionsv1.JSONSchemaProps) {
			if path == "" {
				return
			}
			if u, _ := fullWith(t, folder, path, nil); u == nil {
				t.Errorf("testdata/%s/full.yaml does not set %s in any first item", folder, path)
			}
		})
	}
}

func TestFullManifestsAreAcceptedUnchanged(t *testing.T) {
	env := start(t)
	namespace := env.Namespace(t)
	for folder := range kinds {
		for _, full := range loadFull(t, folder) {
			t.Run(folder+"/"+full.GetName(), func(t *testing.T) {
				want := full.DeepCopy()
				create(t, env.Client, namespace, full)
				wantSpec(t, full, want.Object["spec"].(map[string]any))
			})
		}
	}
}

func wantSpec(t *testing.T, u *unstructured.Unstructured, want map[string]any) {
	t.Helper()
	if got, want := indent(t, u.Object["spec"]), indent(t, want); got != want {
		t.Errorf("the spec is\n%s\nwant\n%s", got, want)
	}
}

// indent is canonical JSON: the same for the same value, whichever number types it
// is held in.
func indent(t *testing.T, value any) string {
	t.Helper()
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
