package manifest

import (
	"encoding/base64"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

var secretFields = []string{"apiVersion", "kind", "metadata", "data", "stringData", "type", "immutable"}

// addSecret takes a Secret if it is sound, with stringData merged into data as
// the API server does. Faults never quote a value.
func (l *loader) addSecret(o *object, sound bool) []Fault {
	var faults []Fault
	for name := range o.content {
		if !slices.Contains(secretFields, name) {
			faults = append(faults, o.fault(name, "is an unknown field of a Secret; it has %s", strings.Join(secretFields, ", ")))
		}
	}
	faults = append(faults, o.checkTexts("", o.content, "type")...)
	if _, isBool := o.content["immutable"].(bool); !isBool && o.content["immutable"] != nil {
		faults = append(faults, o.fault("immutable", "%s", wrongType("boolean", o.content["immutable"])))
	}
	data := map[string][]byte{}
	faults = append(faults, o.readData("data", data, base64.StdEncoding.DecodeString)...)
	faults = append(faults, o.readData("stringData", data, func(s string) ([]byte, error) { return []byte(s), nil })...)
	if len(faults) > 0 || !sound {
		return faults
	}
	l.set.Secrets = append(l.set.Secrets, corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: o.apiVersion, Kind: o.kind},
		ObjectMeta: metav1.ObjectMeta{Namespace: o.namespace, Name: o.name},
		Data:       data,
	})
	return nil
}

// readData reads a map of keys to values.
func (o *object) readData(at string, into map[string][]byte, decode func(string) ([]byte, error)) []Fault {
	faults := o.checkTextMap(at, o.content[at])
	if len(faults) > 0 {
		return faults
	}
	entries, _ := o.content[at].(map[string]any)
	for key, value := range entries {
		field := at + "[" + key + "]"
		for _, problem := range validation.IsConfigMapKey(key) {
			faults = append(faults, o.fault(field, "%s", withoutPattern(problem)))
		}
		text, _ := value.(string)
		decoded, err := decode(text)
		if err != nil {
			faults = append(faults, o.fault(field, "must be base64; plain text goes into stringData"))
		}
		into[key] = decoded
	}
	return faults
}
