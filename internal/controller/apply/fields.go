package apply

import (
	"fmt"
	"reflect"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

func toFields(object client.Object) (map[string]any, error) {
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, fmt.Errorf("convert %T: %w", object, err)
	}
	return fields, nil
}

// appliedFields are those of the object that the operator owns: all that say
// something, but the status.
func appliedFields(object client.Object) (map[string]any, error) {
	fields, err := toFields(object)
	if err != nil {
		return nil, err
	}
	delete(fields, "status")
	unstructured.RemoveNestedField(fields, "metadata", "creationTimestamp")
	dropEmpty(fields)
	return fields, nil
}

// dropEmpty removes what a typed object encodes for fields that nobody set: null
// and empty objects. An empty object that is an item of a list stays, and so do
// the selectors, where empty means everything.
func dropEmpty(fields map[string]any) {
	for name, value := range fields {
		switch v := value.(type) {
		case nil:
			delete(fields, name)
		case map[string]any:
			dropEmpty(v)
			if len(v) == 0 && !isSelector(name) {
				delete(fields, name)
			}
		case []any:
			for _, item := range v {
				if inner, ok := item.(map[string]any); ok {
					dropEmpty(inner)
				}
			}
		}
	}
}

func isSelector(name string) bool {
	return name == "namespaceSelector" || name == "podSelector" || name == "labelSelector"
}

// covers reports whether have says all that want says. What it says beyond that
// the API server filled in, or someone else owns.
func covers(have, want map[string]any) bool {
	for name, value := range want {
		if name == "ownerReferences" {
			if !coversOneOf(have[name], value) {
				return false
			}
			continue
		}
		if !coversValue(have[name], value) {
			return false
		}
	}
	return true
}

func coversValue(have, want any) bool {
	switch w := want.(type) {
	case map[string]any:
		h, ok := have.(map[string]any)
		return ok && covers(h, w)
	case []any:
		h, ok := have.([]any)
		if !ok || len(h) != len(w) {
			return false
		}
		for i := range w {
			if !coversValue(h[i], w[i]) {
				return false
			}
		}
		return true
	default:
		return reflect.DeepEqual(have, want)
	}
}

// coversOneOf reports whether each wanted item is somewhere in the list: others
// may add theirs.
func coversOneOf(have, want any) bool {
	list, _ := have.([]any)
	wanted, _ := want.([]any)
	for _, w := range wanted {
		found := false
		for _, h := range list {
			found = found || coversValue(h, w)
		}
		if !found {
			return false
		}
	}
	return true
}
