package manifest

import (
	"cmp"
	"encoding/json"
	"errors"
	"strings"

	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
	kjson "sigs.k8s.io/json"
)

// admitMetadata checks metadata and fills in the namespace. Values of labels and
// annotations are not quoted: kubectl keeps whole Secrets in an annotation.
func (o *object) admitMetadata() []Fault {
	metadata, isObject := o.content["metadata"].(map[string]any)
	if !isObject && o.content["metadata"] != nil {
		return []Fault{o.fault("metadata", "%s", wrongType("object", o.content["metadata"]))}
	}
	if metadata == nil {
		return []Fault{o.fault("metadata.name", "is required")}
	}
	o.name, _ = metadata["name"].(string)
	o.namespace, _ = metadata["namespace"].(string)
	o.namespace = cmp.Or(o.namespace, DefaultNamespace)
	faults := o.checkTexts("metadata.", metadata, "name", "namespace")
	for _, field := range []string{"labels", "annotations"} {
		faults = append(faults, o.checkTextMap("metadata."+field, metadata[field])...)
	}
	if len(faults) > 0 {
		return faults
	}
	metadata["namespace"] = o.namespace
	return o.checkMetadata(metadata)
}

func (o *object) checkMetadata(metadata map[string]any) []Fault {
	data, err := json.Marshal(metadata)
	if err != nil {
		return []Fault{o.fault("metadata", "%v", err)}
	}
	var meta metav1.ObjectMeta
	unknown, err := kjson.UnmarshalStrict(data, &meta)
	if err != nil {
		return []Fault{o.fault("metadata", "%s", strings.TrimPrefix(err.Error(), "json: "))}
	}
	var faults []Fault
	for _, err := range unknown {
		var at kjson.FieldError
		if errors.As(err, &at) {
			faults = append(faults, o.fault("metadata."+at.FieldPath(), "is an unknown field of metadata"))
		}
	}
	if meta.Name == "" {
		return append(faults, o.fault("metadata.name", "is required"))
	}
	for _, err := range validation.ValidateObjectMeta(&meta, true, validation.NameIsDNSSubdomain, field.NewPath("metadata")) {
		faults = append(faults, o.fault(err.Field, "%s", withoutPattern(err.Detail)))
	}
	return faults
}

// checkTexts finds fields that should be text and are not.
func (o *object) checkTexts(at string, fields map[string]any, names ...string) []Fault {
	var faults []Fault
	for _, name := range names {
		if _, isText := fields[name].(string); !isText && fields[name] != nil {
			faults = append(faults, o.fault(at+name, "%s", wrongType("string", fields[name])))
		}
	}
	return faults
}

// checkTextMap finds values of a map that should be text and are not.
func (o *object) checkTextMap(at string, value any) []Fault {
	entries, isMap := value.(map[string]any)
	if !isMap && value != nil {
		return []Fault{o.fault(at, "%s", wrongType("object", value))}
	}
	var faults []Fault
	for key, value := range entries {
		if value == nil { // which the API server takes for an empty text
			entries[key] = ""
		} else if _, isText := value.(string); !isText {
			faults = append(faults, o.fault(at+"["+key+"]", "%s", wrongType("string", value)))
		}
	}
	return faults
}
