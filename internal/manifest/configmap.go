package manifest

import (
	"encoding/base64"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// addConfigMap takes a ConfigMap if it is sound. One that is not is none of ours to
// find fault with: whoever names it is told that it is not there.
func (l *loader) addConfigMap(o *object) {
	if len(o.admitMetadata()) > 0 || o.name == "" {
		return
	}
	configMap := corev1.ConfigMap{
		TypeMeta:   metav1.TypeMeta{APIVersion: o.apiVersion, Kind: o.kind},
		ObjectMeta: metav1.ObjectMeta{Namespace: o.namespace, Name: o.name},
		Data:       map[string]string{}, BinaryData: map[string][]byte{},
	}
	data, _ := o.content["data"].(map[string]any)
	for key, value := range data {
		text, isText := value.(string)
		if !isText {
			return
		}
		configMap.Data[key] = text
	}
	binary, _ := o.content["binaryData"].(map[string]any)
	for key, value := range binary {
		text, _ := value.(string)
		decoded, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return
		}
		configMap.BinaryData[key] = decoded
	}
	l.set.ConfigMaps = append(l.set.ConfigMaps, configMap)
}
